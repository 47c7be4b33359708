"""Reads a soak's history from the store, the ledger and what the harness has noted."""

import psycopg

from tests.chaos.history import audit
from tests.chaos.history.ledger import Ledger
from tests.chaos.history.records import History, Quest, Run, Snapshot, Standstill, Verb, Worker
from tests.chaos.plan import QuestPlan


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
        workers = connection.execute("SELECT worker_id, pid, started_at FROM workers")
        return History(
            plans=plans,
            quests={row[0]: Quest(*row) for row in quests},
            runs=[Run(*row) for row in runs],
            snapshots=[Snapshot(*row) for row in snapshots],
            workers=[Worker(*row) for row in workers],
            events=audit.events(connection),
            ledger=ledger.entries(),
            verbs=verbs,
            standstills=standstills,
        )
