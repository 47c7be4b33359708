"""The SQLite store's own account of what was committed, as far as the rules on executions need it.

SQLite has one writer, so the numbers of the rows give the order of the commits. Unlike PostgreSQL's it does not tell
which rows belong to one transaction.
"""

from sqlalchemy import Connection

from tests.chaos.history.audit import Event
from tests.chaos.history.ledger import Ledger
from tests.chaos.history.records import History, Quest, Run, Snapshot, Standstill, Worker
from tests.chaos.plan import QuestPlan

_NOW = "(julianday('now') - 2440587.5) * 86400.0"
_TABLE = """
CREATE TABLE chaos_audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at, kind, op, quest_id, epoch, position, state,
  claim_id, worker_id)
"""
_TICKET = f"""
CREATE TRIGGER chaos_ticket AFTER UPDATE ON tickets
WHEN NEW.claim_id IS NOT NULL AND NEW.claim_id IS NOT OLD.claim_id
BEGIN
  INSERT INTO chaos_audit (at, kind, op, quest_id, epoch, position, state, claim_id, worker_id) VALUES
    ({_NOW}, 'ticket', 'UPDATE', NEW.quest_id, NEW.epoch, NEW.position, NEW.state, NEW.claim_id, NEW.worker_id);
END
"""
_RUN = f"""
CREATE TRIGGER chaos_run AFTER INSERT ON lord_runs BEGIN
  INSERT INTO chaos_audit (at, kind, op, quest_id, epoch, position, state, claim_id, worker_id) VALUES
    ({_NOW}, 'run', 'INSERT', NEW.quest_id, NEW.epoch, NEW.position, NEW.status, NEW.claim_id, NEW.worker_id);
END
"""


def install(connection: Connection) -> None:
    """Have the store keep its account from now on."""
    for statement in (_TABLE, _TICKET, _RUN):
        connection.exec_driver_sql(statement)


def history(connection: Connection, ledger: Ledger, plans: list[QuestPlan], still: list[Standstill]) -> History:
    """Return all that is known when the soak is over."""
    ask = connection.exec_driver_sql
    return History(
        plans=plans,
        quests={
            row[0]: Quest(*row)
            for row in ask("SELECT quest_id, status, epoch, version, output_data FROM quest_executions")
        },
        runs=[
            Run(*row)
            for row in ask(
                "SELECT quest_id, epoch, position, status, claim_id, output_data, error_message FROM lord_runs"
            )
        ],
        snapshots=[
            Snapshot(*row)
            for row in ask(
                "SELECT quest_id, version, epoch, position, snapshot_reason, parent_version FROM quest_snapshots"
            )
        ],
        workers=[Worker(*row) for row in ask("SELECT worker_id, pid, started_at FROM workers")],
        events=[
            Event(row[0], str(row[0]), *row[1:])
            for row in ask(
                "SELECT seq, at, kind, op, quest_id, epoch, position, state, claim_id, worker_id FROM chaos_audit"
                " ORDER BY seq"
            )
        ],
        ledger=ledger.entries(),
        standstills=still,
    )
