"""pause, resume, cancel, retry, replay, fork, delete, prune: one quest or many."""

import io
import sys
from typing import Any

import pytest

from questline_persistence.journal import recorded_calls
from tests.contract.lessons import outside, present, state, step
from tests.contract.once.records import record
from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


class _Terminal:
    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, *_: Any) -> str:
        if not self._answer:
            raise KeyboardInterrupt
        return self._answer


def status(cli: CommandLine, quest_id: str) -> str:
    found: str = cli.json("show", quest_id)["status"]
    return found


def test_pause_resume_and_cancel_say_what_became_of_the_quest(cli: CommandLine) -> None:
    cli.submit("alpha")

    assert cli.json("pause", "alpha", "--reason", "wait")["status"] == "paused"
    assert cli.json("show", "alpha")["reason"] == "wait"
    assert cli.json("pause", "alpha")["changed"] is False
    assert cli.json("resume", "alpha")["status"] == "new"
    assert cli.json("cancel", "alpha", "--reason", "enough")["status"] == "cancelled"
    assert cli.json("show", "alpha")["reason"] == "enough"


def test_one_failure_does_not_stop_the_others_and_gives_the_exit_code(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli.submit("beta")
    cli.submit("gamma")
    cli("cancel", "beta")

    ran = cli("pause", "beta", "missing", "alpha", "gam", "-o", "json")

    items = ran.data["items"]
    assert ran.code == 5
    assert [item["quest_id"] for item in items] == ["beta", "missing", "alpha", "gamma"]
    assert [item.get("error", {}).get("code") for item in items] == ["conflict", "not_found", None, None]
    assert (status(cli, "alpha"), status(cli, "gamma")) == ("paused", "paused")


def test_text_names_those_that_failed_on_stderr(cli: CommandLine) -> None:
    cli.submit("alpha")

    ran = cli("pause", "missing", "alpha")

    assert ran.code == 4
    assert "alpha" in ran.out
    assert "Error: there is no quest missing" in ran.err


def test_a_filter_reaches_the_quests_that_the_verb_is_for(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli.submit("beta", quest_type="other")
    cli.submit("gamma")
    cli("cancel", "gamma")

    ran = cli("pause", "--type", "design_microservice", "-y", "-o", "json")

    assert [item["quest_id"] for item in ran.data["items"]] == ["alpha"]
    assert "1 quest" in ran.err
    assert (status(cli, "alpha"), status(cli, "beta")) == ("paused", "new")


def test_a_dry_run_changes_nothing(cli: CommandLine) -> None:
    cli.submit("alpha")
    before = cli.rows()

    for words in (
        ("pause", "alpha"),
        ("cancel", "--label", "team=a"),
        ("replay", "alpha"),
        ("fork", "alpha"),
        ("prune", "--older-than", "0s"),
    ):
        assert cli(*words, "--dry-run").code == 0, words
    assert cli("delete", "alpha", "--dry-run").code == 0
    assert cli.rows() == before


def test_many_are_refused_without_a_terminal_to_ask_on(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    cli.submit("alpha")
    before = cli.rows()

    for words in (("cancel", "--status", "new"), ("delete", "alpha")):
        ran = cli(*words)
        assert ran.code == 2
        assert "--yes" in ran.err
    assert cli.rows() == before


@pytest.mark.parametrize(("answer", "code", "after"), [("y\n", 0, "cancelled"), ("n\n", 2, "new")])
def test_many_are_asked_for_on_a_terminal(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, after: str
) -> None:
    cli.submit("alpha")
    monkeypatch.setattr(sys, "stdin", _Terminal(answer))
    monkeypatch.setattr("builtins.input", lambda *_: answer.strip())

    ran = cli("cancel", "--status", "new")

    assert ran.code == code
    assert "1 quest" in ran.err
    assert status(cli, "alpha") == after


@pytest.mark.parametrize("words", [(), ("alpha", "--status", "new")])
def test_ids_and_a_filter_exclude_one_another(cli: CommandLine, words: tuple[str, ...]) -> None:
    assert cli("pause", *words).code == 2


def test_replay_starts_a_new_epoch_with_corrections(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli("cancel", "alpha")

    done = cli.json("replay", "alpha", "--from", "architect", "--set", 'input_data.service={"name": "orders"}')

    assert (done["status"], done["epoch"]) == ("running", 1)
    assert cli.json("show", "alpha")["input_data"] == {"service": {"name": "orders"}}


def test_fork_starts_a_new_quest_and_leaves_the_old_one(cli: CommandLine) -> None:
    cli.submit("alpha")

    made = cli("fork", "alpha", "--as", "beta", "--set", "input_data.service=text")

    assert made.out == "beta\n"
    forked = cli.json("show", "beta")
    assert (forked["forked_from"], forked["input_data"]) == ("alpha@v0", {"service": "text"})
    assert cli.json("show", "alpha")["input_data"] == {"service": "billing"}
    assert cli.json("fork", "alpha")["forked_from"] == "alpha@v0"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "missing"), 4),
        (("runs", "missing"), 4),
        (("snapshots", "missing"), 4),
        (("snapshots", "alpha", "--version", "99"), 4),
        (("wait", "missing"), 4),
        (("pause", "missing"), 4),
        (("delete", "missing", "-y"), 4),
        (("replay", "alpha", "--from", "missing"), 4),
        (("replay", "alpha", "--from", "v99"), 4),
        (("replay", "alpha", "--from", "builder"), 5),
        (("replay", "alpha", "--set", "nothing"), 2),
        (("replay", "alpha", "--set", "elsewhere.x=1"), 2),
        (("fork", "alpha", "--as", "alpha"), 5),
        (("fork", "alpha", "--as", "no spaces"), 2),
        (("resume", "alpha"), 5),
        (("retry", "alpha"), 5),
        (("delete", "alpha", "-y"), 5),
        (("list", "--status", "sleeping"), 2),
        (("list", "--since", "yesterday"), 2),
        (("list", "--cursor", "nonsense"), 2),
        (("list", "--limit", "0"), 2),
        (("list", "--label", "team"), 2),
        (("prune", "--older-than", "a while"), 2),
        (("prune", "--older-than", "1d", "--status", "running"), 2),
        (("show",), 2),
        (("shwo", "alpha"), 2),
        (("show", "alpha", "--colour"), 2),
        (("list", "-o", "xml"), 2),
        (("list", "--namespace", "no spaces"), 2),
        (("list", "--database-url", "mysql://host/x"), 7),
        (("list", "--database-url", "://"), 7),
        (("list", "--database-url", "missing/folder/x.db"), 7),
        (("list", "--database-url", "."), 3),
        (("list", "--database-url", "quest.txt/x.db"), 3),
        (("list", "--database-url", "quest.txt/.questline/x.db"), 3),
        (("list", "--database-url", "quest.txt"), 3),
        (("pause", "alpha", "--broker-url", "carrier-pigeon://x"), 7),
        (("worker", "no_such_module"), 2),
        (("dev", "no_such_module"), 2),
        (("scheduler",), 7),
        (("doctor", "--broker-url", "redis://127.0.0.1:1/0"), 3),
        (("doctor", "--broker-url", "pigeon://x"), 7),
        (("doctor", "--database-url", "."), 3),
        (("db", "upgrade", "9999"), 7),
        (("db", "downgrade", "base"), 2),
        (("wait", "alpha", "--timeout", "0"), 124),
    ],
)
def test_what_cannot_be_done_has_its_exit_code_and_changes_nothing(
    cli: CommandLine, words: tuple[str, ...], code: int
) -> None:
    cli.file("quest.txt", "no database at all, but long enough to be taken for one " * 100)
    cli.submit("alpha")
    before = cli.rows()

    text = cli(*words)
    as_json = cli(*words, "-o", "json")

    assert (text.code, as_json.code if "xml" not in words else code) == (code, code), (text, as_json)
    assert "Traceback" not in text.err + as_json.err, text.err + as_json.err
    assert cli.rows() == before
    if words[0] != "doctor":
        said = "Quest alpha goes on: " if code == 124 else "Error: "  # a wait that is over is no mistake
        assert len([line for line in text.err.splitlines() if line.startswith(said)]) == 1, text.err
        if "xml" not in words:
            assert set(as_json.error) == {"code", "message", "hint"}


def test_the_hint_after_a_pause_names_the_quest_that_was_paused(cli: CommandLine) -> None:
    cli.submit("alpha")
    paused = cli("pause", "@last")
    cli.submit("beta")

    assert "run: questline resume alpha\n" in paused.err


def test_wait_tells_how_a_quest_stands_by_its_exit_code(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli("pause", "alpha")
    paused = cli("wait", "alpha", "-o", "json")
    cli("cancel", "alpha")
    cancelled = cli("wait", "alpha")

    assert (paused.code, paused.data["status"]) == (9, "paused")
    assert (cancelled.code, cancelled.out) == (9, "cancelled\n")


def test_delete_and_prune_remove_ended_quests_only(cli: CommandLine) -> None:
    for name in ("alpha", "beta", "gamma"):
        cli.submit(name)
    cli("cancel", "alpha", "beta")

    assert cli.json("delete", "alpha", "-y")["status"] == "deleted"
    assert cli.json("prune", "--older-than", "0s", "-y")["deleted"] == 0
    words = ("prune", "--older-than", "0s", "--status", "cancelled")
    assert cli.json(*words, "--dry-run") == {"matched": 1, "deleted": 0, "dry_run": True}
    assert cli.json(*words, "-y") == {"matched": 1, "deleted": 1, "dry_run": False}
    assert [item["quest_id"] for item in cli.json("list")["items"]] == ["gamma"]


@pytest.mark.parametrize(("verb", "told"), [("replay", "as epoch 1"), ("fork", "would start from alpha")])
def test_a_dry_run_tells_start_changes_and_steps(cli: CommandLine, verb: str, told: str) -> None:
    cli.submit("alpha")
    words = (verb, "alpha", "--set", "input_data.limit=5", "--dry-run")
    text, data = cli(*words, "-o", "text").out, cli.json(*words)

    assert data["start"] == {"version": 0, "epoch": 0, "position": "0001"}
    assert data["changes"] == [{"path": "input_data.limit", "old": None, "new": 5, "added": True}]
    names = [step["lord_name"] for step in data["steps"]]
    assert names
    assert all(word in text for word in (told, "v0", "0001", "input_data.limit", "(new)", "5", *names))


def test_a_replay_tells_what_goes_back_to_what_it_was(cli: CommandLine, bench: Workbench) -> None:
    bench.advance(bench.submit("a", "b", quest_id="alpha", input_data={"addr": "bad"}), 1)
    cli("replay", "alpha", "--from", "b", "--set", "input_data.addr=good")

    looked, done = cli("replay", "alpha", "--dry-run", "-o", "json"), cli("replay", "alpha")

    assert looked.data["reversals"] == [{"path": "input_data.addr", "old": "good", "new": "bad", "removed": False}]
    for told in (looked.err, done.err, looked.data["notice"]):
        assert 'input_data.addr goes back to "bad", as at v0; to keep a correction' in told


def test_a_replay_names_the_keys_that_go_back_and_those_that_are_kept(cli: CommandLine, bench: Workbench) -> None:
    bench.submit("a", "b", quest_id="alpha")
    step(bench, "alpha", state(bench, "mine"), state(bench, "mine", "maker"))
    outside(bench, state(bench, "by hand", "maker"))

    looked = cli("replay", "alpha", "--dry-run", "-o", "json")
    left = cli("replay", "alpha", "--dry-run", "--keep-state")
    assert [(key["key"], key["fate"]) for key in looked.data["keys"]] == [("maker", "kept"), ("planner", "rewound")]
    assert "agent state planner: left at v1, as it is" in left.err
    assert (present(bench), present(bench, "maker")) == ("mine", "by hand")

    done = cli("replay", "alpha")
    for told in (looked.err, done.err):
        assert "agent state maker: v2 of what was saved outside of quests builds on it; kept" in told
        assert "agent state planner: v1 goes back to nothing" in told
    assert (present(bench), present(bench, "maker")) == (None, "by hand")


@pytest.mark.parametrize(
    ("verb", "quest_id", "found"),
    [
        (["replay", "alpha"], "alpha", ([], False)),
        (["replay", "alpha", "--keep-once"], "alpha", (["paid"], False)),
        (["fork", "alpha", "--as", "beta"], "beta", ([], False)),
        (["fork", "alpha", "--as", "beta", "--keep-once"], "beta", (["paid"], False)),
        (["fork", "alpha", "--as", "beta", "--recorded"], "beta", (["paid"], True)),
    ],
)
def test_recorded_calls_are_made_anew_or_kept_as_an_option_says(
    cli: CommandLine, bench: Workbench, verb: list[str], quest_id: str, found: tuple[list[str], bool]
) -> None:
    claim = bench.claim(bench.submit("a", quest_id="alpha"))
    bench.journal.record_once(record(claim, result="paid"))
    bench.finish(claim)

    cli(*verb)
    calls, alone = recorded_calls(bench.database, bench.claim(quest_id))
    assert ([call.result for call in calls], alone) == found


def test_an_unknown_key_in_a_file_names_the_nearest_one(cli: CommandLine) -> None:
    cli.file("questline.toml", "namespase = 'x'")

    ran = cli("list", "-o", "json")
    examined = cli("doctor", "-o", "json")

    assert (ran.code, ran.error["hint"]) == (7, "did you mean 'namespace'?")
    assert (examined.code, examined.data["ok"]) == (7, False)


def test_a_wrong_setting_of_the_environment_is_no_usage_error(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_NAMESPACE", "no spaces")

    assert cli("list").code == 7


def test_an_unexpected_error_shows_its_traceback_only_when_debugging(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("questline_persistence.records.Statistics.quests", broken)

    quiet = cli("stats", "-o", "json")
    monkeypatch.setenv("QUESTLINE_LOG_LEVEL", "debug")
    loud = cli("stats")

    assert (quiet.code, quiet.error["code"]) == (1, "unexpected")
    assert "Traceback" not in quiet.err
    assert loud.code == 1
    assert "Traceback" in loud.err


@pytest.mark.parametrize(("typed", "code"), [("n\n", 2), ("", 130)])
def test_who_says_no_or_stops_at_a_question_is_told_of_no_error(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    cli.submit("alpha")
    monkeypatch.setattr(sys, "stdin", _Terminal(typed))

    asked = cli("cancel", "--type", "design_microservice")

    assert asked.code == code
    assert asked.err.endswith("Nothing was changed.\n")
    assert "Error" not in asked.err
    assert cli.json("show", "alpha")["status"] == "new"


def test_quests_that_a_verb_cannot_be_done_to_are_told_once(cli: CommandLine) -> None:
    for quest_id in ("alpha", "beta", "gamma"):
        cli.submit(quest_id)

    refused = cli("retry", "--status", "new", "-y")

    assert refused.code == 5
    assert refused.err.splitlines() == [
        "3 quests match.",
        "Error: quest alpha is new; retry needs it to be failed (and 2 quests more)",
        "Hint: only a failed quest can be retried; any other can be replayed: questline replay alpha",
    ]
