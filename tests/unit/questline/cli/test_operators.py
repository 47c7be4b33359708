"""What operators see: why quests wait, who holds what, and what was survived."""

import shutil
import time
from types import SimpleNamespace
from typing import Any

import pytest

from questline.cli import awaiting
from questline.cli.doctor import clock_check, store_checks, ticket_checks
from questline.cli.doctor.check import Verdict
from questline_persistence import schema
from questline_persistence.claims import Progress
from questline_persistence.dialects.sqlite import library as sqlite_library
from questline_persistence.recovery import Counter
from tests.contract.quests import LONG, Workbench, checkpoint, failure, quest, step
from tests.unit.questline.cli.conftest import CommandLine


def checks(cli: CommandLine, group: str) -> dict[str, dict[str, Any]]:
    """Return what doctor finds in a group, by name."""
    return {check["name"]: check for check in cli.json("doctor")["checks"] if check["group"] == group}


def found(check: dict[str, Any]) -> tuple[str, int, list[str]]:
    return check["status"], check["value"]["count"], check["value"]["quest_ids"]


def test_doctor_counts_tickets_by_what_they_wait_for(cli: CommandLine, bench: Workbench) -> None:
    journal = bench.worker(lease=LONG)
    stranger, unheard = bench.submit("stranger"), bench.submit(step("a", queue="slow"))
    put_off, paused, pausing = bench.submit("a"), bench.submit("a"), bench.submit("a")
    fresh, runs = bench.submit("a"), bench.submit("b")
    bench.journal.fail(failure(bench.claim(put_off, journal), retry_in=90.0))
    bench.claim(pausing, journal)
    bench.claim(runs, journal)
    bench.controls.pause(paused)
    bench.controls.pause(pausing)
    seen = checks(cli, "tickets")

    assert seen.pop("all")["value"] == {"ready": 4, "running": 2}
    assert {name: found(check) for name, check in seen.items()} == {
        "lord_unknown": ("warn", 1, [stranger]),
        "queue_unheard": ("warn", 1, [unheard]),
        "back_off": ("pass", 1, [put_off]),
        "paused": ("pass", 1, [paused]),
        "pausing": ("pass", 1, [pausing]),
    }
    assert "stranger:work" in seen["lord_unknown"]["message"]
    assert "slow" in seen["queue_unheard"]["message"]
    assert seen["back_off"]["value"]["last_at"].endswith("Z")
    assert fresh not in str(seen)
    assert all(check["hint"] for check in seen.values() if check["status"] == "warn")


def test_doctor_tells_of_running_steps_that_wait_for_the_sweep(cli: CommandLine, bench: Workbench) -> None:
    late, lost = bench.submit(step("a", timeout_seconds=0.001)), bench.submit("a")
    bench.claim(late, bench.worker(lease=LONG))
    bench.claim(lost, bench.worker(lease=-1.0))
    seen = checks(cli, "tickets")

    assert found(seen["past_deadline"]) == ("warn", 1, [late])
    assert found(seen["worker_lost"]) == ("warn", 1, [lost])
    assert "questline scheduler" in seen["worker_lost"]["hint"]


def test_doctor_tells_of_steps_that_nobody_picks_up_for_long(
    cli: CommandLine, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.worker(lease=LONG)
    quest_id = bench.submit("a")
    assert "queued" not in checks(cli, "tickets")

    monkeypatch.setattr(ticket_checks, "PATIENCE", 0.0)
    assert found(checks(cli, "tickets")["queued"]) == ("warn", 1, [quest_id])


def test_doctor_tells_that_steps_wait_for_any_worker(cli: CommandLine, bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(2)]

    assert found(checks(cli, "tickets")["no_worker"]) == ("warn", 2, quest_ids)


def test_doctor_names_so_many_quests_and_no_more(cli: CommandLine, bench: Workbench) -> None:
    for name in "abcdefgh":
        bench.submit(name)
        bench.submit(name)

    status, count, quest_ids = found(checks(cli, "tickets")["no_worker"])
    assert (status, count, len(quest_ids)) == ("warn", 16, ticket_checks.MAX_NAMED)


def test_doctor_counts_workers_and_names_lords_that_none_of_them_knows(cli: CommandLine, bench: Workbench) -> None:
    bench.worker(lease=LONG)
    bench.worker(process_id="dead")
    bench.register.declare_dead("dead")
    bench.submit("stranger")
    seen = checks(cli, "workers")

    assert seen["live"]["value"] == {"live": 1, "lost": 1}
    assert (seen["lords"]["status"], seen["lords"]["value"]) == ("warn", {"handler": "stranger:work", "quests": 1})


def test_doctor_shows_the_schema_the_journal_that_the_file_has_and_its_room(cli: CommandLine) -> None:
    module = sqlite_library.driver()
    seen = checks(cli, "database")

    assert seen["schema"]["value"] == schema.HEAD
    assert seen["sqlite"]["value"] == {
        "version": module.sqlite_version,
        "library": "sqlite3" if sqlite_library.is_standard(module) else "pysqlite3",
        "journal_mode": sqlite_library.journal_mode(module),
    }
    assert seen["clock"]["status"] == "pass"
    room = checks(cli, "disk")["space"]["value"]
    assert room["free_bytes"] == pytest.approx(shutil.disk_usage(cli.folder).free, rel=0.1)
    assert room["used_bytes"] >= cli.database.stat().st_size > 0


def test_doctor_warns_of_a_journal_that_is_not_the_safe_one(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_library, "journal_of", lambda _: "DELETE")
    seen = checks(cli, "database")["sqlite"]

    assert (seen["status"], seen["value"]["journal_mode"]) == ("warn", "DELETE")


def test_doctor_warns_of_little_room(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_checks.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    seen = checks(cli, "disk")["space"]

    assert seen["status"] == "warn"
    assert "0.0 GB free" in seen["message"]


def test_doctor_accepts_the_schema_of_the_next_release_as_workers_do(cli: CommandLine, bench: Workbench) -> None:
    bench.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{schema.NEXT}'")
    seen = checks(cli, "database")["schema"]

    assert (seen["status"], seen["value"]) == ("warn", schema.NEXT)
    assert checks(cli, "tickets")


@pytest.mark.parametrize(
    ("ahead", "verdict", "said"),
    [
        (0.4, Verdict.PASS, "is 400 ms ahead of this machine"),
        (-1.0, Verdict.PASS, "is 1.0 s behind this machine"),
        (3_600.0, Verdict.WARN, "is 1 h 0 m ahead of this machine"),
        (-1.5, Verdict.WARN, "is 1.5 s behind this machine"),
    ],
)
def test_a_clock_that_is_off_by_more_than_a_second_is_a_warning_and_no_danger(
    ahead: float, verdict: Verdict, said: str
) -> None:
    check = clock_check.compare_clocks("broker", "the broker", ahead)

    assert (check.verdict, check.value) == (verdict, {"ahead_seconds": ahead})
    assert said in check.message
    assert verdict is Verdict.PASS or "this harms no result" in str(check.hint)


def test_show_says_how_many_come_before_a_quest(cli: CommandLine, bench: Workbench) -> None:
    bench.worker(lease=LONG)
    bench.clock.advance(-10)
    eldest = bench.submit("a")
    bench.clock.advance(1)
    second = bench.submit("a")
    why = cli.json("show", second)["why"]

    assert (why["cause"], why["message"]) == ("queued", "step 0001 is ready, behind 1 other in queue default")
    assert "and the next in queue" in cli("show", eldest).out


def test_show_says_who_runs_a_quest_and_for_how_long(cli: CommandLine, bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.clock.advance(-5)
    bench.execute("UPDATE tickets SET available_at = 0")
    bench.claim(quest_id, bench.worker(lease=LONG))

    assert cli.json("show", quest_id)["why"]["cause"] == "running"
    assert "step 0001 has been running on host (pid 1) for" in cli("show", quest_id).out


def test_show_says_that_a_program_keeps_a_quest(cli: CommandLine, bench: Workbench) -> None:
    data = quest("a")
    bench.repository.save_quest(data)

    assert cli.json("show", data.quest_id)["why"]["cause"] == "kept"


def test_workers_are_listed_with_what_they_hold_and_times_as_texts(cli: CommandLine, bench: Workbench) -> None:
    journal = bench.worker(lease=LONG)
    claim = bench.claim(bench.submit("a"), journal)
    bench.worker(process_id="dead")
    bench.register.declare_dead("dead")
    live, lost = cli.json("workers")["items"]

    assert (live["state"], live["host"], live["pid"], live["queues"]) == ("live", "host", 1, ["default"])
    assert live["claims"] == [
        {
            "quest_id": claim.quest_id,
            "position": "0001",
            "handler": "a:work",
            "claim_id": claim.claim_id,
            "claimed_at": live["claims"][0]["claimed_at"],
        }
    ]
    assert (lost["state"], lost["holding"], lost["claims"]) == ("lost", 0, [])
    assert (live["ended_at"], lost["ended_at"][-1]) == (None, "Z")
    for name in (name for name in live if name.endswith("_at") and name != "ended_at"):
        assert live[name].endswith("Z"), name
        assert live[name][:4] == time.strftime("%Y", time.gmtime()), name
    assert live["claims"][0]["claimed_at"].endswith("Z")
    assert 0 <= live["heartbeat_age_seconds"] < 60
    assert f"…{claim.quest_id[-12:]} " in cli("workers").out


def test_the_settings_keep_their_names_whole_where_there_is_little_room(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    names = {row["variable"] for row in cli.json("config", "show")["items"]}

    assert names <= set(cli("config", "show").out.split())


def test_the_step_that_ran_when_its_quest_was_cancelled_has_one_status_and_its_attempt_another(
    cli: CommandLine, bench: Workbench
) -> None:
    quest_id = bench.submit("a", "b")
    bench.claim(quest_id)
    cli("cancel", quest_id)

    lines = [line.split() for line in cli("show", quest_id).out.splitlines()]
    shown = [line[3] for line in lines if line and line[0] in {"0001", "0002"}]
    assert shown == [step["status"] for step in cli.json("show", quest_id)["steps"]] == ["skipped", "skipped"]
    assert [run["status"] for run in cli.json("runs", quest_id)["items"]] == ["cancelled"]


def test_attempts_are_those_since_the_last_retry_and_beside_them_those_of_before(
    cli: CommandLine, bench: Workbench
) -> None:
    quest_id = bench.submit(step("a", max_attempts=2))

    def shown() -> tuple[str, tuple[int, int]]:
        (line,) = [line for line in cli("show", quest_id).out.splitlines() if line.startswith("0001")]
        (told,) = cli.json("show", quest_id)["steps"]
        return line.partition("work")[2].split(maxsplit=1)[1], (told["attempts"], told["earlier_attempts"])

    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.fail(quest_id)
    assert shown() == ("2/2", (2, 0))
    for before in (2, 3):
        bench.controls.retry(quest_id)
        assert shown() == (f"0/2 (+{before} before a retry)", (before, before))
        claim = bench.claim(quest_id)
        assert shown() == (f"1/2 (+{before} before a retry)", (before + 1, before))
        assert bench.journal.fail(failure(claim, retry_in=None)).won
        assert shown() == (f"1/2 (+{before} before a retry)", (before + 1, before))
    bench.controls.retry(quest_id)
    bench.advance(quest_id, 1)
    assert shown() == ("1/2 (+4 before a retry)", (5, 4))


def test_the_doctor_speaks_of_one_quest_and_of_one_step_as_of_one(cli: CommandLine, bench: Workbench) -> None:
    bench.submit("nobody-knows")
    bench.worker(lease=LONG)

    told = [check["message"] for check in cli.json("doctor")["checks"] if check["group"] in {"workers", "tickets"}]
    assert "nobody-knows:work is needed by 1 quest and known to no live worker" in told
    assert "1 waits for a worker or for its time, 0 run" in told
    assert any(message.startswith("1 waits for a Lord that no live worker knows") for message in told)


def test_a_busy_worker_is_shown_with_some_of_its_quests(cli: CommandLine, bench: Workbench) -> None:
    journal = bench.worker(lease=LONG)
    for number in range(5):
        bench.claim(bench.submit("a", quest_id=f"q-{number}"), journal)
    shown = cli("workers").out

    assert "q-0, q-1, q-2, …" in shown
    assert "q-3" not in shown


def test_stats_tell_what_was_survived(cli: CommandLine, bench: Workbench) -> None:
    bench.counters.add(Counter.RESULTS_FENCED, 1_234)

    assert cli.json("stats")["counters"] == {
        "workers_lost": 0,
        "claims_freed": 0,
        "results_fenced": 1_234,
        "redispatched": 0,
    }
    assert "1,234" in cli("stats").out


@pytest.mark.parametrize(("alive", "said"), [(True, 0), (False, 1)])
def test_wait_says_once_why_a_quest_does_not_move_and_nothing_of_one_that_waits_for_its_turn(
    cli: CommandLine, bench: Workbench, monkeypatch: pytest.MonkeyPatch, alive: bool, said: int
) -> None:
    monkeypatch.setattr(awaiting, "PATIENCE", 0.0)
    bench.clock.advance(-1)
    quest_id = bench.submit("a")
    if alive:
        bench.worker(lease=LONG)
    ran = cli("wait", quest_id, "--timeout", "0.5")

    assert ran.code == 124
    assert ran.err.count("Waiting: ") == ran.err.count("no worker is alive") == said


def test_show_and_wait_tell_how_far_the_running_step_says_to_be(cli: CommandLine, bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    held = bench.claim(quest_id)
    bench.register.note_progress([Progress(quest_id, held.claim_id, 0.4, "fetching\n[red]pages")])

    assert "0/2 steps, the next one at 40%: fetching" in cli("show", quest_id).out
    assert cli.json("show", quest_id)["steps"][0]["progress"] == 0.4
    assert "running 0/2, 40%: fetching\n" in cli("wait", quest_id, "--timeout", "0.1").err
    bench.finish(held, 1)
    assert "%" not in cli("show", quest_id).out


def test_show_and_runs_tell_lost_workers_from_failures(cli: CommandLine, bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.claim(quest_id, bench.worker(process_id="lost"))
    bench.register.declare_dead("lost")
    bench.sweep.run(now=bench.clock.advance(1))
    bench.clock.advance(10)
    bench.advance(quest_id, 1)

    assert "2/3 (+1 lost)" in cli("show", quest_id).out
    assert [item["lost"] for item in cli.json("runs", quest_id)["items"]] == [False, True, False]
    rows = [line.split() for line in cli("runs", quest_id).out.splitlines() if line.startswith("0001")]
    assert [row[5] for row in rows] == ["error", "lost", "success"]


def test_runs_tell_the_code_that_ran_each_attempt_where_any_is_known(cli: CommandLine, bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    assert "Code" not in cli("runs", quest_id).out
    newer = bench.worker(code_version="3f2a1c")
    newer.checkpoint(checkpoint(bench.claim(quest_id, newer), 2))

    assert "Code" in cli("runs", quest_id).out
    assert "3f2a1c" in cli("runs", quest_id).out
    assert [item["code_version"] for item in cli.json("runs", quest_id)["items"]] == [None, "3f2a1c"]
