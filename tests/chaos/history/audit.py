"""The database's own account of what was committed, in which order: triggers that copy every change of state.

A row of a quest is only changed under the lock of its ticket, or of the quest's own row where it has none. The
number of an audit row is drawn under that lock, so that for each quest the numbers give the order of the commits.
"""

from dataclasses import dataclass

import psycopg

_TABLE = """
CREATE TABLE chaos_audit (
  seq bigserial PRIMARY KEY, tx text NOT NULL DEFAULT pg_current_xact_id()::text,
  at float8 NOT NULL DEFAULT extract(epoch FROM clock_timestamp())::float8,
  kind text NOT NULL, op text NOT NULL, quest_id text NOT NULL, epoch int, position text, state text,
  claim_id text, worker_id text, fence bigint, version int, pause int
);

CREATE FUNCTION chaos_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE t record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.state, OLD.fence, OLD.position, OLD.epoch, OLD.pause_requested, OLD.version)
     = (NEW.state, NEW.fence, NEW.position, NEW.epoch, NEW.pause_requested, NEW.version)
     AND OLD.claim_id IS NOT DISTINCT FROM NEW.claim_id THEN
    RETURN NULL;
  END IF;
  INSERT INTO chaos_audit (kind, op, quest_id, epoch, position, state, claim_id, worker_id, fence, version, pause)
  VALUES ('ticket', TG_OP, t.quest_id, t.epoch, t.position, t.state, t.claim_id, t.worker_id, t.fence, t.version,
          t.pause_requested);
  RETURN NULL;
END $$;

CREATE FUNCTION chaos_quest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE q record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.status, OLD.epoch) = (NEW.status, NEW.epoch) THEN RETURN NULL; END IF;
  INSERT INTO chaos_audit (kind, op, quest_id, epoch, state, version)
  VALUES ('quest', TG_OP, q.quest_id, q.epoch, q.status, q.version);
  RETURN NULL;
END $$;

CREATE FUNCTION chaos_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  INSERT INTO chaos_audit (kind, op, quest_id, epoch, position, state, claim_id, worker_id, version)
  VALUES ('run', TG_OP, r.quest_id, r.epoch, r.position, r.status, r.claim_id, r.worker_id, r.version);
  RETURN NULL;
END $$;

CREATE FUNCTION chaos_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE s record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  INSERT INTO chaos_audit (kind, op, quest_id, epoch, position, state, version)
  VALUES ('snapshot', TG_OP, s.quest_id, s.epoch, s.position, s.snapshot_reason, s.version);
  RETURN NULL;
END $$;

CREATE TRIGGER chaos AFTER INSERT OR UPDATE OR DELETE ON tickets FOR EACH ROW EXECUTE FUNCTION chaos_ticket();
CREATE TRIGGER chaos AFTER INSERT OR UPDATE OR DELETE ON quest_executions FOR EACH ROW EXECUTE FUNCTION chaos_quest();
CREATE TRIGGER chaos AFTER INSERT OR UPDATE OR DELETE ON lord_runs FOR EACH ROW EXECUTE FUNCTION chaos_run();
CREATE TRIGGER chaos AFTER INSERT OR UPDATE OR DELETE ON quest_snapshots FOR EACH ROW EXECUTE FUNCTION chaos_snapshot();
"""

_COLUMNS = "seq, tx, at, kind, op, quest_id, epoch, position, state, claim_id, worker_id, fence, version, pause"


@dataclass(frozen=True, slots=True)
class Event:
    """One committed change of a ticket, quest, run or snapshot; `state` is its state, status or reason."""

    seq: int
    tx: str
    at: float
    kind: str
    op: str
    quest_id: str
    epoch: int = 0
    position: str | None = None
    state: str = ""
    claim_id: str | None = None
    worker_id: str | None = None
    fence: int | None = None
    version: int | None = None
    pause: int | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """The step: quest, epoch, position."""
        return (self.quest_id, self.epoch, str(self.position))


def install(connection: psycopg.Connection) -> None:
    """Have the database keep its account from now on."""
    connection.execute(_TABLE)


def events(connection: psycopg.Connection) -> list[Event]:
    """Return the account in order."""
    return [Event(*row) for row in connection.execute(f"SELECT {_COLUMNS} FROM chaos_audit ORDER BY seq")]
