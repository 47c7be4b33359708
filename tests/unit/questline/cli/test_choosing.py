"""Which quests a command means: filters, pages, and ids that are written short."""

import shlex

import pytest

from questline_persistence.models import LordStep
from questline_persistence.records import short_ids
from tests.contract.quests import Workbench, checkpoint
from tests.unit.questline.cli.conftest import CommandLine


def ids(cli: CommandLine, *words: str) -> list[str]:
    return [item["quest_id"] for item in cli.json("list", *words)["items"]]


def test_quests_are_chosen_by_their_queue_and_by_what_their_error_holds(cli: CommandLine, bench: Workbench) -> None:
    cli.submit("mail-1", queue="mail")
    bench.fail(bench.submit("a", quest_id="odd"), "the price of 100% is _odd_")
    bench.fail(bench.submit("a", quest_id="even"), "the price of 1000 is even")

    assert ids(cli, "--queue", "mail") == ["mail-1"]
    assert ids(cli, "--error", "100% is _odd_") == ["odd"]
    assert sorted(ids(cli, "--error", "the price")) == ["even", "odd"]
    assert ids(cli, "--error", "THE PRICE") == []


@pytest.mark.parametrize(
    "words", [("--queue", "mail"), ("--since", "1h", "--type", "mail"), ("--until", "2100-01-01", "--type", "mail")]
)
def test_verbs_on_many_quests_take_every_filter_of_the_list(cli: CommandLine, words: tuple[str, ...]) -> None:
    cli.submit("mail-1", queue="mail", quest_type="mail")
    cli.submit("other")

    assert cli("cancel", *words, "-y").code == 0
    assert [item["status"] for item in cli.json("list")["items"]] == ["new", "cancelled"]


def test_failed_quests_of_one_error_are_retried_together(cli: CommandLine, bench: Workbench) -> None:
    bench.fail(bench.submit("a", quest_id="slow"), "timed out")
    bench.fail(bench.submit("a", quest_id="wrong"), "no such file")

    assert cli("retry", "--error", "timed out", "-y").code == 0
    assert {item["quest_id"]: item["status"] for item in cli.json("list")["items"]} == {
        "slow": "running",
        "wrong": "failed",
    }


def test_the_command_for_the_next_page_repeats_what_was_asked_for(cli: CommandLine) -> None:
    wanted = [cli.submit(f"a-{number}", labels={"team": "the a"}, quest_type="job") for number in range(3)]
    cli.submit("b-0", labels={"team": "b"})

    shown = cli("list", "--type", "job", "--label", "team=the a", "--since", "1h", "--status", "new", "-l", 2).out
    words = shlex.split(shown.partition("More: questline ")[2])
    rest = cli(*words, "-o", "json").data["items"]

    assert [item["quest_id"] for item in rest] == [wanted[0]]


def test_the_command_for_the_next_page_repeats_no_password(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("alpha", "beta"):
        cli.submit(name)
    monkeypatch.setenv("QUESTLINE_BROKER_URL", "memory://")

    shown = cli("list", "-l", 1, "--broker-url", "redis://me:secret@localhost:1/0", "--namespace", "default").out

    assert "--namespace default" in shown
    assert "secret" not in shown


@pytest.mark.parametrize("form", ["json", "jsonl", "text"])
def test_all_pages_can_be_listed_at_once(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("questline.cli.commands.list.MAX_PAGE", 2)
    made = [cli.submit(name) for name in ("alpha", "beta", "gamma", "delta", "epsilon")]

    shown = cli("list", "--all", "-o", form)

    assert shown.code == 0
    assert [shown.out.count(quest_id) for quest_id in made] == [1] * 5
    assert "More:" not in shown.out


def test_a_narrow_terminal_gets_shorter_ids_then_fewer_columns_and_whole_words(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id = "0193a8c0-0000-7000-8000-1234567890ab"
    cli.submit("0193a8c0-0000-7000-8000-ba0987654321")
    cli.submit(quest_id, labels={"team": "billing", "region": "north-east"})
    shown = {}
    for columns in (140, 80, 60, 30):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown[columns] = cli("list", "-l", 1).out

    assert {quest_id, "design_microservice", "team=billing"} <= set(shown[140].split())
    assert {"…1234567890ab", "Made", "Took", "team=billing", "region=north-east"} <= set(shown[80].split())
    assert {"…1234567890ab", "design_microservice", "new", "Made"} <= set(shown[60].split())
    assert "Labels" not in shown[60]
    assert {"…1234567890ab", "new"} <= set(shown[30].split())
    assert "design_microservice" not in shown[30]
    assert [text.splitlines()[-1].startswith("More: questline list") for text in shown.values()] == [True] * 4


def test_a_pipe_gets_whole_ids_and_fewer_columns(cli: CommandLine) -> None:
    quest_id = cli.submit("0193a8c0-0000-7000-8000-1234567890ab", labels={"of": "x" * 200})

    shown = cli("list").out
    assert quest_id in shown
    assert "Labels" not in shown


def test_attempts_keep_their_numbers_where_there_is_little_room(
    cli: CommandLine, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = bench.worker(handlers=["code_reviewer:summarize_the_findings"])
    quest_id = bench.submit(LordStep("code_reviewer", "summarize_the_findings"))
    journal.checkpoint(checkpoint(bench.claim(quest_id, journal), "a result"))
    monkeypatch.setenv("COLUMNS", "60")

    (headings, row) = [line.split() for line in cli("runs", quest_id).out.splitlines()][:2]
    assert headings[:4] == ["Step", "Lord", "Epoch", "Attempt"]
    assert row[:4] == ["0001", "code_reviewer", "0", "1/3"], "no word is broken"


@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_the_paths_of_corrections_are_whole_in_a_narrow_help(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    assert "execution_stack.STEP.params.KEY" in cli(verb, "--help").out


@pytest.mark.parametrize("columns", [None, 20, 60])
def test_a_command_to_copy_is_whole_at_any_width(
    cli: CommandLine, bench: Workbench, monkeypatch: pytest.MonkeyPatch, columns: int | None
) -> None:
    quest_id = bench.submit("a", "b", quest_id="0193a8c0-0000-7000-8000-1234567890ab")
    bench.fail(quest_id)
    cli.submit("0193a8c0-0000-7000-8000-ba0987654321")
    hints = {
        f"Next: {cli.json('show', quest_id)['why']['hint']}",
        *(f"→ {check['hint']}" for check in cli.json("doctor")["checks"] if check["hint"]),
    }
    if columns is not None:
        monkeypatch.setenv("COLUMNS", str(columns))

    for first in (["list", "--since", "2000-01-01", "--until", "2100-01-01"], ["snapshots", quest_id]):
        (more,) = [line for line in cli(*first, "--limit", 1).out.splitlines() if line.startswith("More: ")]
        assert cli(*shlex.split(more)[2:]).code == 0, more
    shown = {line.strip() for line in (cli("show", quest_id).out + cli("doctor").out).splitlines()}
    assert len(hints) > 1
    assert hints <= shown


@pytest.mark.parametrize("text", ["…1234567890ab", "..7890ab", "...7890ab", "7890ab"])
def test_an_id_may_be_given_by_its_end(cli: CommandLine, text: str) -> None:
    quest_id = cli.submit("0193a8c0-0000-7000-8000-1234567890ab")
    cli.submit("0193a8c0-0000-7000-8000-ba0987654321")

    assert cli.json("show", text)["quest_id"] == quest_id


def test_an_end_that_several_ids_have_is_refused(cli: CommandLine) -> None:
    for number in (1, 2):
        cli.submit(f"{number}-7890ab")

    refused = cli("show", "..7890ab", "-o", "json")

    assert refused.code == 4
    assert "several quests: " in refused.error["message"]


def test_the_end_of_an_id_is_looked_for_among_the_newest_quests(
    cli: CommandLine, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_ids, "MAX_LOOKED", 1)
    for number in (1, 2):
        bench.clock.advance(1)
        bench.submit("a", quest_id=f"quest-number-{number}")

    assert cli.json("show", "umber-2")["quest_id"] == "quest-number-2"
    assert cli("show", "umber-1").code == 4


def test_the_newest_quest_of_a_type_has_a_word_of_its_own(cli: CommandLine) -> None:
    for name, quest_type in (("alpha", "report"), ("beta", "report"), ("gamma", "other")):
        cli.submit(name, quest_type=quest_type)

    assert cli.json("show", "@last:report")["quest_id"] == "beta"
    refused = cli("show", "@last:nothing", "-o", "json")
    assert refused.code == 4
    assert refused.error["message"] == "there is no quest of type nothing yet"


def test_a_wait_that_ends_tells_what_to_do_and_what_its_exit_code_means(cli: CommandLine, bench: Workbench) -> None:
    bench.fail(bench.submit("a", quest_id="broken"))
    cli.submit("alpha")
    paused, failed = cli("pause", "alpha"), cli("wait", "broken")
    waited = cli("wait", "alpha")

    assert "questline resume alpha" in paused.err
    assert (waited.code, failed.code) == (9, 8)
    assert "Hint: to let it go on, run: questline resume alpha" in waited.err
    assert "Hint: to see why, run: questline show broken" in failed.err
    assert "Exit code 9: the quest that you waited for was cancelled, or is paused." in waited.err
    assert "Exit code 8: the quest that you waited for failed." in failed.err


def test_a_wait_that_takes_too_long_is_no_error_of_the_quest(cli: CommandLine) -> None:
    cli.submit("alpha")

    late = cli("wait", "alpha", "--timeout", "0")

    assert late.code == 124
    assert late.err.splitlines()[-3:] == [
        "Quest alpha goes on: it is still new after 0 s.",
        "Hint: wait again, or look: questline show alpha",
        "Exit code 124: the time of the wait is over; the quest goes on.",
    ]
    assert cli("wait", "alpha", "--timeout", "0", "-o", "json").error["code"] == "timeout"


def test_one_quest_is_called_one_quest(cli: CommandLine, bench: Workbench) -> None:
    bench.clock.advance(-7_200)
    bench.end("completed")

    assert "1 quest would be deleted." in cli("prune", "--older-than", "1h", "--dry-run").out
    assert "1 quest deleted." in cli("prune", "--older-than", "1h", "-y").out
    assert "0 quests deleted." in cli("prune", "--older-than", "1h", "-y").out
