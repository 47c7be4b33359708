"""What calls within steps came to, on SQLite: a statement for each, in a transaction that holds the write lock."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from questline_persistence.claims import OnceRecord
from questline_persistence.clock import rfc3339
from questline_persistence.dialects.driver import execute

# A record that is there is its own, sent once more: a name comes once in an attempt, and a later one reads it first.
_RECORD = """
INSERT INTO step_once
  (quest_id, epoch, position, claim_id, name, ordinal, overlapped, result, attempt, started_at, ended_at)
SELECT quest_id, epoch, position, claim_id, :name, :ordinal, :overlapped, :result, :attempt, :started_at, :ended_at
FROM tickets
WHERE quest_id = :quest_id AND claim_id = :claim_id AND state || '' = 'running' AND epoch = :epoch
  AND position = :position
ON CONFLICT (quest_id, epoch, position, name) DO UPDATE SET claim_id = excluded.claim_id
  WHERE step_once.claim_id = excluded.claim_id
RETURNING claim_id, name
"""


def record_once(connection: Connection, records: Sequence[OnceRecord]) -> set[tuple[str, str]]:
    """Keep what calls within steps came to; return the claim and the name of each that its claim still allowed."""
    return {(row[0], row[1]) for record in records for row in execute(connection, _RECORD, _values(record))}


def _values(record: OnceRecord) -> dict[str, object]:
    claim = record.claim
    return {
        "quest_id": claim.quest_id,
        "epoch": claim.epoch,
        "position": claim.position,
        "claim_id": claim.claim_id,
        "attempt": claim.attempt,
        "name": record.name,
        "ordinal": record.ordinal,
        "overlapped": int(record.overlapped),
        "result": record.result,
        "started_at": rfc3339(record.start_time),
        "ended_at": rfc3339(record.end_time),
    }
