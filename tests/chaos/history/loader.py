"""Reads a soak's history from the store, the ledger and what the harness has noted."""

import psycopg

from tests.chaos.history import audit
from tests.chaos.history.ledger import Ledger
from tests.chaos.history.records import Call, History, Kept, Quest, Run, Snapshot, Standstill, Verb, Worker
from tests.chaos.plan import QuestPlan

#: What steps have kept: versions with the text that they point at, and events.
_KEPT = """
SELECT 'state', v.agent_id, v.version, v.op, b.state_data, v.quest_id, v.epoch, v.position FROM agent_state_versions v
LEFT JOIN agent_state_versions b ON (b.namespace, b.key_prefix, b.agent_id, b.version)
  = (v.namespace, v.key_prefix, v.agent_id, v.body_version)
UNION ALL SELECT 'event', session_id, seq, 'save', event_id, quest_id, epoch, position FROM events
ORDER BY 1, 2, 3
"""


def load(
    url: str,
    ledger: Ledger,
    *,
    plans: list[QuestPlan],
    verbs: list[Verb],
    standstills: list[Standstill],
) -> History:
    """Return the history; every acknowledged quest is in `plans`."""
    with psycopg.connect(url) as connection:
        quests = connection.execute("SELECT quest_id, status, epoch, version, output_data FROM quest_executions")
        runs = connection.execute(
            "SELECT quest_id, epoch, position, status, claim_id, output_data, error_message FROM lord_runs"
            " ORDER BY run_id"
        )
        snapshots = connection.execute(
            "SELECT quest_id, version, epoch, position, snapshot_reason, parent_version FROM quest_snapshots"
            " ORDER BY quest_id, version"
        )
        calls = connection.execute("SELECT quest_id, epoch, position, claim_id, result FROM step_once")
        workers = connection.execute("SELECT worker_id, pid, started_at FROM workers")
        return History(
            plans=plans,
            quests={row[0]: Quest(*row) for row in quests},
            runs=[Run(*row) for row in runs],
            snapshots=[Snapshot(*row) for row in snapshots],
            workers=[Worker(*row) for row in workers],
            calls=[Call(*row) for row in calls],
            kept=[Kept(*row) for row in connection.execute(_KEPT)],
            events=audit.events(connection),
            ledger=ledger.entries(),
            verbs=verbs,
            standstills=standstills,
        )
