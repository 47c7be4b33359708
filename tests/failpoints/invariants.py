"""What always holds (docs/project/protocol.md, "Invariants"), as SQL: each query finds the rows that break it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from questline_persistence.dialects import parse_url

#: By what is broken: a query that must find nothing, on SQLite and on PostgreSQL.
BROKEN = {
    "I1 runs and snapshots are append-only: a later row has an earlier version": """
        SELECT s.quest_id, s.version FROM quest_snapshots s
        JOIN quest_snapshots t ON t.quest_id = s.quest_id AND t.version < s.version AND t.snapshot_id > s.snapshot_id
        UNION ALL
        SELECT r.quest_id, r.version FROM lord_runs r
        JOIN lord_runs t ON t.quest_id = r.quest_id AND t.version < r.version AND t.run_id > r.run_id""",
    "I2 a step succeeds once per epoch": """
        SELECT quest_id, epoch, position, count(*) FROM lord_runs
        WHERE status = 'success' AND position IS NOT NULL GROUP BY quest_id, epoch, position HAVING count(*) > 1""",
    "I3 snapshot versions run from 0 without gap": """
        SELECT quest_id, min(version), max(version), count(*) FROM quest_snapshots
        GROUP BY quest_id HAVING min(version) <> 0 OR max(version) <> count(*) - 1""",
    "I3 the ticket, or the quest without one, stands at the newest snapshot": """
        SELECT q.quest_id, t.version, q.version FROM quest_executions q
        LEFT JOIN tickets t ON t.quest_id = q.quest_id
        WHERE coalesce(t.version, CASE WHEN q.status = 'cancelled' THEN NULL ELSE q.version END)
            <> (SELECT max(version) FROM quest_snapshots s WHERE s.quest_id = q.quest_id)""",
    "I4 running if and only if claimed": """
        SELECT quest_id, state, claim_id FROM tickets
        WHERE (state = 'running') <> (claim_id IS NOT NULL) OR (claim_id IS NULL) <> (worker_id IS NULL)""",
    "I5 the fence grows with the first claim and with every end of one, be it the next claim in the same go": """
        SELECT q.quest_id, t.fence, q.fence FROM quest_executions q LEFT JOIN tickets t ON t.quest_id = q.quest_id
        WHERE coalesce(t.fence, q.fence)
            < (SELECT count(*) + CASE WHEN count(*) > 0 THEN 1 ELSE 0 END
               FROM lord_runs r WHERE r.quest_id = q.quest_id AND r.claim_id IS NOT NULL)
        UNION ALL SELECT q.quest_id, t.fence, q.fence FROM quest_executions q
        JOIN tickets t ON t.quest_id = q.quest_id WHERE t.fence <= q.fence""",
    "I6 one claim ends once, and by its own worker": """
        SELECT claim_id, count(*) FROM lord_runs WHERE claim_id IS NOT NULL GROUP BY claim_id HAVING count(*) > 1
        UNION ALL SELECT r.claim_id, 0 FROM lord_runs r JOIN tickets t ON t.claim_id = r.claim_id
        UNION ALL SELECT r.claim_id, 0 FROM lord_runs r WHERE (r.claim_id IS NULL) <> (r.worker_id IS NULL)""",
    "I7 an ended quest has no ticket, a live one has": """
        SELECT q.quest_id, q.status, t.state FROM quest_executions q LEFT JOIN tickets t ON t.quest_id = q.quest_id
        WHERE (q.status IN ('completed', 'failed', 'cancelled') AND t.quest_id IS NOT NULL)
           OR (q.status NOT IN ('completed', 'failed', 'cancelled') AND t.quest_id IS NULL AND q.fence > 0)
           OR (q.status IN ('completed', 'failed', 'cancelled') AND q.end_time IS NULL)""",
    "I7 nothing follows a quest's completion in its epoch": """
        SELECT s.quest_id, s.epoch, t.version FROM quest_snapshots s
        JOIN quest_snapshots t ON t.quest_id = s.quest_id AND t.epoch = s.epoch AND t.version > s.version
        WHERE s.snapshot_reason = 'completed'
        UNION ALL SELECT q.quest_id, q.epoch, s.version FROM quest_executions q JOIN quest_snapshots s
            ON s.quest_id = q.quest_id AND s.epoch = q.epoch AND s.snapshot_reason = 'completed'
        WHERE q.status <> 'completed'""",
    "I8 a paused quest is held at its pause": """
        SELECT q.quest_id, s.snapshot_reason, t.state FROM quest_executions q
        JOIN tickets t ON t.quest_id = q.quest_id
        JOIN quest_snapshots s ON s.quest_id = q.quest_id AND s.version = t.version
        WHERE (q.status = 'paused') <> (t.state = 'held') OR (q.status = 'paused' AND s.snapshot_reason <> 'pause')""",
    "I9 every success of a worker has the snapshot that follows from it": """
        SELECT r.quest_id, r.position, s.position FROM lord_runs r
        LEFT JOIN quest_snapshots s ON s.quest_id = r.quest_id AND s.version = r.version AND s.epoch = r.epoch
        WHERE r.status = 'success' AND r.claim_id IS NOT NULL AND (
            s.version IS NULL OR coalesce(s.position, '') <> coalesce((
                SELECT min(p.position) FROM quest_steps p
                WHERE p.quest_id = r.quest_id AND p.epoch = r.epoch AND p.position > r.position
                    AND p.since_version <= r.version), ''))""",
    "I9 every checkpoint has its run, and a completed quest its last step's output": """
        SELECT s.quest_id, s.version, s.snapshot_reason FROM quest_snapshots s
        JOIN quest_executions q ON q.quest_id = s.quest_id AND q.fence + (SELECT count(*) FROM tickets t
            WHERE t.quest_id = q.quest_id) > 0
        WHERE s.snapshot_reason IN ('checkpoint', 'completed') AND s.version > 0 AND NOT EXISTS (
            SELECT 1 FROM lord_runs r WHERE r.quest_id = s.quest_id AND r.version = s.version AND r.status = 'success')
        UNION ALL SELECT q.quest_id, q.version, q.output_data FROM quest_executions q
        JOIN lord_runs r ON r.quest_id = q.quest_id AND r.version = q.version AND r.status = 'success'
        WHERE q.status = 'completed' AND r.output_data <> q.output_data""",
    "I11 nothing crosses namespaces": """
        SELECT q.quest_id, q.namespace, t.namespace FROM quest_executions q
        JOIN tickets t ON t.quest_id = q.quest_id WHERE t.namespace <> q.namespace
        UNION ALL SELECT q.quest_id, q.namespace, w.namespace FROM quest_executions q
        JOIN tickets t ON t.quest_id = q.quest_id JOIN workers w ON w.worker_id = t.worker_id
        WHERE w.namespace <> q.namespace
        UNION ALL SELECT q.quest_id, q.namespace, w.namespace FROM quest_executions q
        JOIN lord_runs r ON r.quest_id = q.quest_id JOIN workers w ON w.worker_id = r.worker_id
        WHERE w.namespace <> q.namespace""",
}


#: Tells by number which of the queries find anything: one round trip where all is well.
def _which(rules: Mapping[str, str]) -> str:
    return " UNION ALL ".join(f"SELECT {number} WHERE EXISTS ({query})" for number, query in enumerate(rules.values()))


def broken_rows(connection: Connection, rules: Mapping[str, str] = BROKEN) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that break an invariant, by its name."""
    broken = [list(rules)[number] for number in connection.exec_driver_sql(_which(rules)).scalars()]
    return {rule: [tuple(row) for row in connection.exec_driver_sql(rules[rule])] for rule in broken}


def assert_invariants(url: str, rules: Mapping[str, str] = BROKEN) -> None:
    """Assert that every quest in the store, of whatever namespace, keeps all of them; I10 is for the clock."""
    engine = create_engine(parse_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        broken = broken_rows(connection, rules)
    assert not broken, f"broken invariants: {broken}"
