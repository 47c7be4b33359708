"""`questline batch`: previewed, made, waited for, listed, aborted."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from questline_persistence.batches import BatchWork
from questline_persistence.recovery import Bells
from questline_persistence.store import Database
from questline_scheduler.doorbells import Ringer, open_broker
from questline_scheduler.loops.batch_runner import BatchRunner
from tests.unit.questline.cli.conftest import CommandLine
from tests.waiting import eventually


@contextmanager
def runner(cli: CommandLine) -> Iterator[BatchRunner]:
    """Give what a scheduler does with batches."""
    database = Database(f"sqlite:///{cli.database}")
    ringer = Ringer(open_broker("memory://", namespace="default"), Bells(database, "default"))
    yield BatchRunner(BatchWork(database, "default"), ringer)
    database.close()


def test_a_dry_run_counts_and_names_and_makes_nothing(cli: CommandLine) -> None:
    cli.submit("one")

    found = cli.json("batch", "create", "pause", "--label", "team=a", "--dry-run")

    assert (found["total"], found["quest_ids"]) == (1, ["one"])
    assert "1 quest would be meant" in cli("batch", "create", "pause", "--label", "team=a", "--dry-run").out
    assert cli.json("batch", "list")["items"] == []


def test_a_key_makes_one_batch(cli: CommandLine) -> None:
    cli.submit("one")
    words = ("batch", "create", "pause", "--label", "team=a", "-y", "--idempotency-key", "calm")

    assert cli(*words).out == cli(*words).out
    assert len(cli.json("batch", "list")["items"]) == 1


def test_a_batch_stands_alone_on_stdout_and_is_carried_out_by_the_loops(cli: CommandLine) -> None:
    cli.submit("one")
    cli.submit("two")

    ran = cli("batch", "create", "pause", "--label", "team=a", "--name", "calm", "--reason", "a look first", "-y")
    batch_id = ran.out.strip()
    assert "2 quests match." in ran.err
    with runner(cli) as loop:
        loop.run_once()

    shown = cli.json("batch", "show", batch_id)
    assert (shown["name"], shown["state"], shown["changed"], shown["door"]) == ("calm", "done", 2, "cli")
    assert [one["quest_id"] for one in cli.json("batch", "results", batch_id)["items"]] == ["one", "two"]
    assert cli.json("show", "one")["status"] == "paused"
    assert "2/2" in cli("batch", "list").out
    assert "a look first" in cli("batch", "show", batch_id).out
    assert "changed" in cli("batch", "results", batch_id, "--outcome", "changed").out


def test_a_wait_ends_with_what_came_of_it(cli: CommandLine) -> None:
    cli.submit("one")
    cli("cancel", "one")

    with runner(cli) as loop:

        def carry_out() -> None:
            eventually(lambda: loop.run_once().batch_id is not None)

        scheduler = Thread(target=carry_out)
        scheduler.start()
        ran = cli("batch", "create", "pause", "--status", "cancelled", "-y", "--wait", "--timeout", "60", "-o", "json")
        scheduler.join()

    assert (ran.code, ran.data["state"], ran.data["refused"]) == (5, "done", 1)
    assert f"questline batch results {ran.data['batch_id']} --outcome refused" in ran.err


def test_a_wait_for_nobody_is_over_in_time(cli: CommandLine) -> None:
    cli.submit("one")

    ran = cli("batch", "create", "pause", "--status", "new", "-y", "--wait", "--timeout", "0")

    assert ran.code == 124
    assert "0 of 1 quests" in ran.err


def test_a_batch_is_aborted_once(cli: CommandLine) -> None:
    cli.submit("one")
    batch_id = cli("batch", "create", "cancel", "--type", "design_microservice", "-y").out.strip()

    assert cli.json("batch", "abort", batch_id, "--reason", "wrong ones")["state"] == "aborted"
    assert cli.json("batch", "abort", batch_id)["state"] == "aborted"
    assert [one["verb"] for one in cli.json("audit")["items"]] == ["batch abort", "batch create"]
    assert cli.json("show", "one")["status"] == "new"


def test_mistakes_with_batches_are_told(cli: CommandLine) -> None:
    cli.submit("one")

    assert cli("batch", "show", "nothing").code == 4
    assert "did you mean 'pause'" in cli("batch", "create", "pose", "--status", "new", "-y").err
    assert cli("batch", "create", "pause", "-y").code == 2
    assert cli("batch", "create", "pause", "--status", "new").code == 2
    assert cli("batch", "create", "pause", "--status", "new", "--from", "v1", "-y").code == 2
    assert cli("batch", "create", "pause", "--status", "new", "-y", "--timeout", "1").code == 2
