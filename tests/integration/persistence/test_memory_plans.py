"""Replay, fork and delete look up what their quest has written, however much other quests remember beside it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from tests.contract.lessons import event, state, step
from tests.contract.quests import Workbench
from tests.integration.persistence.looks import Observer

#: How many versions other quests have written, of as many keys, and how many events of as many sessions.
MANY = 20_000
_CROWD = (
    """INSERT INTO agent_states (namespace, key_prefix, agent_id, version, body_version, name, status, created_at,
    updated_at, updated_time) SELECT 'default', '', 'other ' || n, 1, 1, '', 's', '', '', 0
    FROM generate_series(1, :many) n""",
    """INSERT INTO agent_state_versions (namespace, key_prefix, agent_id, version, op, body_version, write_id,
    saved_time, created_at, quest_id, epoch, position, quest_version, name, status, state_data, metadata)
    SELECT 'default', '', 'other ' || n, 1, 'save', 1, n, 0, '', 'quest ' || n / 10, 0, '0001', n, '', 's', '', '{}'
    FROM generate_series(1, :many) n""",
    """INSERT INTO sessions (namespace, key_prefix, session_id, events, created_at, updated_at, updated_time)
    SELECT 'default', '', 'other ' || n, 1, '', '', 0 FROM generate_series(1, :many) n""",
    """INSERT INTO events (namespace, key_prefix, event_id, session_id, seq, event_type, actor_type, content, metadata,
    fingerprint, write_id, saved_time, created_at, quest_id, epoch, position, quest_version) SELECT 'default', '', n,
    'other ' || n, 1, 't', 'agent', '', '{}', '', n, 0, '', 'quest ' || n / 10, 0, '0001', n
    FROM generate_series(1, :many) n""",
)
_FULL = ("agent_states", "agent_state_versions", "sessions", "events")
_SCANS = {f"every row of {name}" for name in _FULL}


@pytest.fixture
def bench(postgres_url: str) -> Iterator[Workbench]:
    found = Workbench(postgres_url)
    with found.database.engine.begin() as connection:
        for statement in _CROWD:
            connection.execute(text(statement), {"many": MANY})
    with found.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ANALYZE {', '.join(_FULL)}"))
    yield found
    found.close()


@pytest.mark.parametrize("plans", ["for these values", "for any values"])
def test_verbs_read_of_a_store_full_of_memory_what_their_quest_has_written(bench: Workbench, plans: str) -> None:
    quest_id = bench.submit("a", "b", "c")
    own = f"{quest_id}/own"
    for word in ("first", "second"):
        saves = (state(bench, word), state(bench, word, own, owner=quest_id))
        step(bench, quest_id, *saves, event(bench, f"{word} own", quest_id, owner=quest_id), event(bench, word))
    verbs: list[Callable[[], object]] = [
        lambda: bench.fork(quest_id, "b"),
        lambda: bench.replay(quest_id, "b"),
        lambda: (bench.controls.cancel(quest_id), bench.repository.delete_quest(quest_id)),
    ]
    observer = Observer(bench.database, plans=plans)
    for verb in verbs:
        with observer.looking() as looks:
            verb()
        told = "\n".join(map(str, looks))
        assert looks
        assert not {way for look in looks for way in look.ways if way in {f"every row of {name}" for name in _FULL}}, (
            told
        )
        assert sum(look.rows for look in looks) < MANY / 20, told
