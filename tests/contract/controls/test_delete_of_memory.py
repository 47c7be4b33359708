"""With a quest goes what it remembered as its own; what quests share stays, and says who wrote it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Table, func, select

from questline_persistence.kinds import AGENT_STATES, EVENTS, MEMORIES, SESSIONS
from questline_persistence.schema import memory_texts, table_of, tables_of
from questline_persistence.states import ExecutionStatus
from tests.contract.lessons import event, lesson, ops, outside, present, state, step
from tests.contract.quests import Workbench, statements
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(autouse=True)
def invariants(bench: Workbench, database_url: str) -> Iterator[None]:  # noqa: ARG001  (the store is made before)
    yield
    assert_invariants(database_url, REMEMBERED)


def counted(bench: Workbench, *tables: Table) -> list[int]:
    queries = [select(func.count()).select_from(table) for table in tables]
    return bench.database.read(lambda connection: [connection.execute(query).scalar_one() for query in queries])


def remembering(bench: Workbench) -> str:
    """Lead a quest to its end that has kept something of its own, and something that is shared."""
    quest_id = bench.submit("a")
    own = (state(bench, "own", f"{quest_id}/planner", owner=quest_id), event(bench, "own", quest_id, owner=quest_id))
    step(bench, quest_id, *own, state(bench, "shared"), event(bench, "shared"), lesson(bench, "m"))
    return quest_id


OWN = (*tables_of(AGENT_STATES), tables_of(SESSIONS).heads, table_of(EVENTS), table_of(MEMORIES), memory_texts)


@pytest.mark.parametrize("how", ["delete", "prune"])
def test_own_keys_go_and_shared_ones_stay(bench: Workbench, how: str) -> None:
    quest_id = remembering(bench)
    assert counted(bench, *OWN) == [2, 2, 2, 2, 1, 5]
    if how == "delete":
        assert bench.repository.delete_quest(quest_id)
    else:
        bench.clock.advance(10)
        assert bench.repository.prune(bench.clock.now(), [ExecutionStatus.COMPLETED]) == [quest_id]

    assert counted(bench, *OWN) == [1, 1, 1, 1, 1, 3]
    assert (present(bench), present(bench, f"{quest_id}/planner")) == ("shared", None)
    versions = tables_of(AGENT_STATES).versions
    query = select(versions.c.quest_id)
    assert bench.database.read(lambda connection: connection.execute(query).scalars().all()) == [quest_id]


def test_own_keys_of_other_quests_stay(bench: Workbench) -> None:
    one = bench.submit("a")
    step(bench, one, state(bench, "own", f"{one}/planner", owner=one))
    other = remembering(bench)
    outside(bench, state(bench, "by hand", f"{other}/planner2"))
    bench.repository.delete_quest(other)

    assert (present(bench, f"{one}/planner"), present(bench, f"{other}/planner2")) == ("own", "by hand")
    assert ops(bench, f"{other}/planner") == []


def test_a_quest_without_own_keys_pays_one_look_more(bench: Workbench) -> None:
    quest_id = bench.end("completed")
    with statements(bench.database) as sent:
        bench.repository.delete_quest(quest_id)

    assert len([text for text in sent if "agent_states" in text]) == 1
