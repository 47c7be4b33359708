"""What commands answer when all is well: shapes of JSON, text for people, ids made short."""

import json
from io import StringIO

import pytest
from rich.console import Console

import questline
from questline.cli.display import formatting
from questline_persistence.claims import OnceRecord
from tests.contract.quests import Workbench
from tests.payload_codec import KEYS
from tests.unit.questline.cli.conftest import QUEST, CommandLine


def _words(text: str) -> set[str]:
    return set(text.split())


#: The keys of the contract's objects; those after the bar were added to it.
QUEST_KEYS = _words(
    "quest_id quest_type namespace status epoch version input_data output_data run_data execution_stack steps progress "
    "error labels queue priority start_time end_time duration_seconds created_at updated_at schema_version "
    "reason idempotency_key forked_from"
)
SNAPSHOT_KEYS = _words(
    "snapshot_id quest_id version epoch position snapshot_reason run_data execution_stack created_at"
)
CALL_KEYS = _words("name attempt_number claim_id output_data started_at ended_at duration_seconds")
#: When a call ran.
TIMES = {"start_time": 1.0, "end_time": 2.5}
STEP_KEYS = _words(
    "position lord_name tool_name status attempts max_attempts lost earlier_attempts progress progress_message"
)


def test_a_quest_has_the_keys_of_the_contract_wherever_it_is_printed(cli: CommandLine) -> None:
    made = cli.json("submit", cli.file("quest.json", QUEST))
    shown = cli.json("show", made["quest_id"])
    listed = cli.json("list")["items"][0]

    assert set(made) == set(shown) - {"why", "calls", "cost"} == set(listed) == QUEST_KEYS
    assert set(shown.pop("why")) == {"cause", "message", "hint"}
    assert shown.pop("calls") == []
    assert shown.pop("cost") == {"input_tokens": 0, "output_tokens": 0, "usd": 0.0}
    assert made == shown
    assert {frozenset(step) for step in made["steps"]} == {frozenset(STEP_KEYS)}
    assert made["progress"] == {"completed": 0, "remaining": 2}
    assert (made["status"], made["quest_type"]) == ("new", "design_microservice")


def test_a_list_has_an_order_which_its_next_page_keeps(cli: CommandLine) -> None:
    ids = [cli.submit(name) for name in ("alpha", "beta", "gamma")]
    first = cli.json("list", "--sort", "oldest", "--limit", 2)
    text = cli("list", "--sort", "oldest", "--limit", 2).out

    assert [quest["quest_id"] for quest in first["items"]] == ids[:2]
    assert "--sort oldest" in text.replace("\n", " ")


def test_calls_that_run_once_are_shown_below_their_attempt_and_with_the_step_where_a_quest_stands(
    cli: CommandLine, bench: Workbench
) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.journal.record_once(OnceRecord(claim, "pay\x1b[2J", 0, overlapped=False, result='"paid"', **TIMES))

    shown, text = cli.json("show", quest_id), cli("show", quest_id).out
    assert [set(call) for call in shown["calls"]] == [CALL_KEYS]
    assert [(call["output_data"], call["duration_seconds"]) for call in shown["calls"]] == [("paid", 1.5)]
    assert "paid" in text
    assert "\x1b[2J" not in text

    bench.finish(claim, "done")
    (run,) = cli.json("runs", quest_id)["items"]
    assert (run["output_data"], run["calls"]) == ("done", shown["calls"])
    listed = cli("runs", quest_id).out
    assert ("once pay" in listed, "paid" in listed, "\x1b[2J" in listed) == (True, True, False)


def test_what_ended_over_time_is_told(cli: CommandLine) -> None:
    cli.submit("alpha")
    found = cli.json("stats", "--over", "hour")

    assert (found["span"], len(found["buckets"]), found["completed"], found["failure_rate"]) == ("hour", 60, 0, None)
    assert cli("stats", "--over", "day").code == 0
    assert cli("stats", "--over", "year").code == 2


def test_snapshots_have_the_keys_of_the_contract(cli: CommandLine) -> None:
    quest_id = cli.submit("alpha")
    cli("pause", quest_id)

    listed = cli.json("snapshots", quest_id)

    assert [item["snapshot_reason"] for item in listed["items"]] == ["start", "pause"]
    assert all(set(item) == SNAPSHOT_KEYS for item in listed["items"])
    assert cli.json("snapshots", quest_id, "--version", 1) == listed["items"][1]


def test_snapshots_follow_one_another_by_cursor(cli: CommandLine) -> None:
    quest_id = cli.submit("alpha")
    cli("pause", quest_id)

    first = cli.json("snapshots", quest_id, "--limit", 1)
    second = cli.json("snapshots", quest_id, "--limit", 1, "--cursor", first["next_cursor"])

    assert [page["items"][0]["version"] for page in (first, second)] == [0, 1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("lords",),
        ("workers",),
        ("queues",),
        ("namespaces",),
        ("runs", "alpha"),
        ("list", "--status", "failed"),
    ],
)
def test_an_empty_list_is_an_object_a_hint_or_nothing(cli: CommandLine, words: tuple[str, ...]) -> None:
    if "alpha" in words:
        cli.submit("alpha")

    assert cli.json(*words) == {"items": [], "next_cursor": None}
    assert cli(*words, "-o", "jsonl").out == ""
    text = cli(*words)
    assert (text.code, text.out) == (0, "")
    assert text.err


def test_a_list_goes_on_by_cursor_without_a_gap(cli: CommandLine) -> None:
    made = [cli.submit(name) for name in ("alpha", "beta", "gamma")]

    first = cli.json("list", "--limit", 2)
    second = cli.json("list", "--limit", 2, "--cursor", first["next_cursor"])

    assert [item["quest_id"] for page in (first, second) for item in page["items"]] == made[::-1]
    assert second["next_cursor"] is None


def test_jsonl_prints_one_item_a_line(cli: CommandLine) -> None:
    for name in ("alpha", "beta"):
        cli.submit(name)

    lines = cli("list", "-o", "jsonl").out.splitlines()

    assert [json.loads(line)["quest_id"] for line in lines] == ["beta", "alpha"]


def test_list_filters_by_type_label_status_and_time(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli.submit("beta", labels={"team": "b"}, quest_type="other")
    cli("pause", "beta")

    def ids(*words: str) -> list[str]:
        return [item["quest_id"] for item in cli.json("list", *words)["items"]]

    assert ids("--type", "other") == ids("--label", "team=b") == ids("--status", "paused") == ["beta"]
    assert ids("--status", "paused", "--status", "new") == ids("--since", "1h") == ["beta", "alpha"]
    assert ids("--since", "2001-01-01T00:00:00Z", "--until", "1h") == []


@pytest.mark.parametrize("text", ["alpha-1", "alpha", "alp", "@last"])
def test_an_id_may_be_a_prefix_or_the_word_for_the_newest(cli: CommandLine, text: str) -> None:
    cli.submit("beta-1")
    cli.submit("alpha-1")

    assert cli.json("show", text)["quest_id"] == "alpha-1"


def test_stats_count_every_status(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli.submit("beta")
    cli("cancel", "beta")

    found = cli.json("stats")

    assert (found["total_quests"], found["new"], found["cancelled"]) == (2, 1, 1)


def test_stats_mark_a_count_that_ended_at_its_bound(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_persistence.records.statistics.MAX_COUNTED", 2)
    for quest_id in ("alpha", "beta", "gamma"):
        cli.submit(quest_id)

    lines = [line.split() for line in cli("stats").out.splitlines()]

    assert ["new", "2+"] in lines
    assert ["total", "quests", "2+"] in lines
    assert ["failed", "0"] in lines


@pytest.mark.parametrize("status", ["new", "paused", "cancelled"])
def test_show_tells_why_a_quest_is_not_moving(cli: CommandLine, status: str) -> None:
    cli.submit("alpha")
    if status != "new":
        cli("pause" if status == "paused" else "cancel", "alpha", "--reason", "wrong input")

    shown = cli("show", "alpha").out

    assert {"new": "no worker is alive", "paused": "it was paused: wrong input", "cancelled": "wrong input"}[
        status
    ] in shown
    assert status in shown
    assert "architect" in shown


def test_stored_text_cannot_play_tricks_on_a_terminal(cli: CommandLine) -> None:
    cli.submit("alpha", labels={"team": "[red]\x1b[31m"}, input_data={"x": "\x1b[2J"})

    for words in (("show", "alpha"), ("list",)):
        assert "\x1b" not in cli(*words).out
        assert "[red]" in cli(*words).out


def test_config_show_masks_passwords_and_says_where_values_come_from(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://me:s3cr@t@cache/0")
    monkeypatch.setenv("QUESTLINE_LOG_LEVEL", "WARNING")
    cli.file("questline.toml", "worker_threads = 3")
    words = (
        "config",
        "show",
        "--database-url",
        "postgresql://me:hidden@db/x?sslpassword=hidden",
        "--namespace",
        "mine",
    )

    rows = {row["name"]: (row["value"], row["origin"]) for row in cli.json(*words)["items"]}

    assert rows["broker_url"] == ("redis://me:***@cache/0", "REDIS_URL")
    assert rows["database_url"] == ("postgresql://me:***@db/x?sslpassword=***", "--database-url")
    assert rows["namespace"] == ("mine", "--namespace")
    assert rows["log_level"] == ("warning", "QUESTLINE_LOG_LEVEL")
    assert rows["worker_threads"] == ("3", "questline.toml")
    assert rows["sweep_seconds"] == ("1.0", "default")


@pytest.mark.parametrize("text", ["me:hidden@db/x", "host=db password=hidden user=me"])
def test_config_show_masks_the_password_in_what_is_no_url(cli: CommandLine, text: str) -> None:
    rows = {row["name"]: row["value"] for row in cli.json("config", "show", "--database-url", text)["items"]}

    assert "hidden" not in rows["database_url"]
    assert "***" in rows["database_url"]


def test_doctor_passes_with_warnings(cli: CommandLine) -> None:
    cli.submit("alpha")

    found = cli.json("doctor")

    assert found["ok"] is True
    assert {"python", "settings", "database", "broker", "workers", "tickets", "disk"} == {
        check["group"] for check in found["checks"]
    }
    assert all(set(check) == {"group", "name", "status", "message", "value", "hint"} for check in found["checks"])
    assert [check["status"] for check in found["checks"] if check["group"] == "workers"] == ["warn"]
    assert "no" in cli("doctor").out


def test_doctor_makes_no_store(cli: CommandLine) -> None:
    found = cli.json("doctor", "--database-url", "sqlite:///fresh.db")

    assert "does not exist yet" in str(found["checks"])
    assert not (cli.folder / "fresh.db").exists()


def test_db_tells_the_revision_and_finds_no_drift(cli: CommandLine) -> None:
    now = cli.json("db", "current")

    assert now["revision"] == now["head"]
    assert cli.json("db", "check")["differences"] == []
    assert cli.json("db", "history")["items"][0]["revision"] == now["head"]
    assert cli.json("db", "upgrade")["revision"] == now["head"]


def test_namespaces_do_not_see_one_another(cli: CommandLine) -> None:
    cli.submit("alpha")

    assert cli.json("list", "--namespace", "other")["items"] == []
    assert cli("show", "alpha", "--namespace", "other").code == 4


def test_the_version_is_told(cli: CommandLine) -> None:
    assert cli.json("version")["questline"] == questline.__version__
    assert cli("--version").out == f"questline {questline.__version__}\n"
    assert questline.__version__ in cli("version").out


def test_config_show_masks_what_is_a_secret_as_a_whole(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_SESSION_KEY", "sesame")
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", KEYS["alpha"])
    rows = {row["name"]: row["value"] for row in cli.json("config", "show")["items"]}

    assert (rows["session_key"], rows["payload_keys"]) == ("***", "***")


@pytest.mark.parametrize("words", [(), ("db",), ("config",)])
def test_a_group_without_a_command_shows_its_help(cli: CommandLine, words: tuple[str, ...]) -> None:
    ran = cli(*words)

    assert ran.code == 2
    assert "Usage: questline" in ran.out


def test_columns_that_are_alike_share_the_room_that_there_is() -> None:
    console = Console(width=60, file=StringIO())
    words = " ".join(["word"] * 40)
    console.print(formatting.table("Path", "Before", "After", "Now", rows=[["a", words, words, words]]))

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert {line.count("word") for line in lines} == {0, 9, 3}
