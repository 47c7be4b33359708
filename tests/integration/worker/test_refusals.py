"""Stores that refuse what a worker writes, for good: each body is bounded by its attempts all the same."""

import pytest

from questline_persistence.models import LordStep
from questline_persistence.recovery import Sweep
from questline_persistence.store import Database
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import Pool, completed, ended, quest, steps
from tests.waiting import eventually

#: What a trigger of somebody else's refuses, by table: after which action, and in which rows.
REFUSED = {
    "the record": {"lord_runs": ("INSERT", "TRUE")},
    "successes": {"lord_runs": ("INSERT", "new.status = 'success'")},
    "emoji": {"lord_runs": ("INSERT", "new.error_message LIKE '%😀%' OR new.output_data LIKE '%😀%'")},
    "record and snapshots": {"lord_runs": ("INSERT", "TRUE"), "quest_snapshots": ("INSERT", "new.version > 0")},
}
#: The end of a quest, too: nothing is left that could be written.
ALL = {**REFUSED["record and snapshots"], "quest_executions": ("UPDATE", "new.status = 'failed'")}


def refuse(pool: Pool, refused: dict[str, tuple[str, str]]) -> None:
    """Add triggers that refuse rows."""
    database = Database(pool.database_url)
    for table, (action, when) in refused.items():
        raised = "EXECUTE FUNCTION refuse()"
        if database.dialect.name == "sqlite":
            raised = "BEGIN SELECT raise(abort, 'refused by a trigger of somebody else'); END"
        else:
            _run(
                database,
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'refused by a trigger of somebody else'; END $$",
            )
        _run(database, f"CREATE TRIGGER no_{table} BEFORE {action} ON {table} FOR EACH ROW WHEN ({when}) {raised}")
    database.close()


def _run(database: Database, statement: str) -> None:
    # Not to be taken for a parameter: the driver's placeholders begin with %.
    text = statement if database.dialect.name == "sqlite" else statement.replace("%", "%%")
    database.write(lambda connection: connection.exec_driver_sql(text, ()) and None, at="count")


@pytest.mark.parametrize("pushes", [False, True], ids=["plain", "pushing"])
@pytest.mark.parametrize("raises", [False, True], ids=["returns", "raises"])
@pytest.mark.parametrize("refused", REFUSED)
def test_a_step_whose_end_the_store_refuses_runs_as_often_as_it_has_attempts(
    pool: Pool, refused: str, *, raises: bool, pushes: bool
) -> None:
    bodies: list[int] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        bodies.append(context.attempt)
        if pushes:
            context.push(LordStep("a", "work"))
        if raises:
            raise ValueError("no 😀")
        return "yes 😀"

    refuse(pool, REFUSED[refused])
    pool.start()
    client = pool.client()
    handle = client.submit(quest(*steps("a", max_attempts=2, backoff_seconds=0.0)))

    found = ended(client, handle.quest_id, "failed")
    assert bodies == [1, 2]
    assert found.error


@pytest.mark.parametrize("refused", ["the record", "record and snapshots"])
def test_one_quest_that_the_store_refuses_keeps_no_other_from_ending(pool: Pool, refused: str) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> str:
        return context.position

    refuse(
        pool,
        {name: (action, f"new.quest_id = 'bad' AND ({when})") for name, (action, when) in REFUSED[refused].items()},
    )
    pool.start()
    client = pool.client()
    client.submit(quest(*steps("a", max_attempts=1), quest_id="bad"))
    good = [client.submit(quest("a", "a")) for _ in range(5)]

    for handle in good:
        completed(handle)
    ended(client, "bad", "failed")


def test_a_step_whose_end_can_in_no_way_be_written_is_not_run_again(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    bodies: list[int] = []

    @lord("a", "work")
    def work(context: LordContext) -> None:
        bodies.append(context.attempt)

    refuse(pool, ALL)
    member = pool.start()
    client = pool.client()
    handle = client.submit(quest(*steps("a", max_attempts=1)))
    eventually(lambda: "step_broken" in caplog.text)
    sweep = Sweep(member.process.database, member.process.settings.namespace)
    for _ in range(4):  # as often as it takes for a claim that nobody knows to be given back, and once more
        member.process.lease.run_once()
        sweep.run()

    assert (bodies, client.get(handle.quest_id).status) == ([1], "running")
    assert "claim_stray" not in caplog.text
