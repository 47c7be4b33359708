"""How often a submission asks the servers for something, counted exactly.

| what                        | PostgreSQL                       | SQLite                           |
| --------------------------- | -------------------------------- | -------------------------------- |
| `submit`                    | 1 statement that commits itself  | BEGIN IMMEDIATE, one per table   |
| `submit`, key used before   | +1, which finds the earlier one  | the first of them, and +1        |
| `submit`, `connection=`     | SAVEPOINT, 1, RELEASE            | SAVEPOINT, one per table, RELEASE |
| `submit_many`, per thousand | SAVEPOINT, 1, RELEASE            | BEGIN IMMEDIATE, and the same    |

The broker is asked once for a quest, and once for each 500 of many. COMMIT is no statement here, but a round trip more
wherever there is a savepoint, as is BEGIN on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from questline_persistence import failpoints
from questline_scheduler.client import QuestClient
from tests.integration.test_cost_per_step import counting, last_transaction, trips
from tests.integration.worker.pools import quest
from tests.servers.valkey import ValkeyServer

TABLES = ["INTO quest_executions", "INTO quest_steps", "INTO quest_snapshots", "INTO tickets"]
ONE = {"postgresql": ["WITH quest AS"], "sqlite": [f"INSERT {table}" for table in TABLES]}
LOOK = "SELECT quest_executions.quest_id, quest_executions.created_at,"
#: Asks once for a whole batch whether an id of it was a deleted quest's; SQLite asks in the inserting statement.
DELETED = {"postgresql": ["SELECT count(*) FROM"], "sqlite": []}
BEGIN: dict[str, list[str]] = {"postgresql": [], "sqlite": ["BEGIN IMMEDIATE"]}


def first_words(statements: list[str]) -> list[str]:
    """Return what a statement does, without the names of savepoints."""
    words = [statement.split() for statement in statements]
    return [" ".join(one[:1] if "SAVEPOINT" in one else one[:3]) for one in words]


@pytest.fixture
def client(database_url: str) -> Iterator[QuestClient]:
    with QuestClient(database_url, "memory://") as client:
        client.submit(quest("a"))  # reads the clock
        yield client


def test_a_quest_costs_one_statement_or_one_per_table(client: QuestClient) -> None:
    kind = client.database.dialect.name
    with counting(client.database) as statements:
        client.submit(quest("a", "b", "c"), idempotency_key="key")

    assert first_words(statements) == [*BEGIN[kind], *ONE[kind]]


def test_a_quest_that_is_one_statement_is_its_own_transaction(
    client: QuestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []
    monkeypatch.setattr(failpoints, "_armed", passed.append)
    client.submit(quest("a"))

    before_commit = {"postgresql": [], "sqlite": ["submit.written"]}[client.database.dialect.name]
    assert passed == ["submit.begun", *before_commit, "submit.committed"]


def test_a_key_that_was_used_before_costs_one_look(client: QuestClient) -> None:
    kind = client.database.dialect.name
    client.submit(quest("a"), idempotency_key="key")
    with counting(client.database) as statements:
        assert not client.submit(quest("a"), idempotency_key="key").created

    assert first_words(statements) == [*BEGIN[kind], ONE[kind][0], LOOK]


def test_a_quest_in_its_callers_transaction_costs_a_savepoint_more(client: QuestClient) -> None:
    with counting(client.database) as statements, client.database.engine.begin() as connection:
        client.submit(quest("a", "b", "c"), connection=connection)

    within = first_words(statements)
    assert within[-len(ONE[client.database.dialect.name]) - 2 :] == [
        "SAVEPOINT",
        *ONE[client.database.dialect.name],
        "RELEASE",
    ]


@pytest.mark.parametrize("count", [2, 1_000])
def test_a_batch_costs_the_same_whatever_it_holds(client: QuestClient, count: int) -> None:
    kind = client.database.dialect.name
    with counting(client.database) as statements:
        client.submit_many([quest("a", "b", "c", "d", "e") for _ in range(count)])

    assert first_words(statements) == [*BEGIN[kind], "SAVEPOINT", *ONE[kind], *DELETED[kind], "RELEASE"]


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (500, 1), (1_000, 2)])
def test_a_submission_is_one_transaction_and_one_trip_to_the_broker_per_500(
    postgres_url: str, valkey_server: ValkeyServer, count: int, expected: int
) -> None:
    valkey_server.flush()
    with QuestClient(postgres_url, valkey_server.url) as client:
        client.submit(quest("a"))  # loads the script
        batch = [quest("a") for _ in range(count)]
        trips_before, transactions_before = trips(valkey_server), last_transaction(postgres_url)
        if count == 1:
            client.submit(batch[0])
        else:
            client.submit_many(batch)
        asking, used = 1, last_transaction(postgres_url) - transactions_before

        assert trips(valkey_server) - trips_before == expected
        savepoint = int(count > 1)
        assert used == 1 + savepoint + asking
