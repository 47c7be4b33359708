"""What calls within steps came to, on PostgreSQL: one statement for all that a process has gathered.

The ticket is locked against whoever would end its claim: else a record could be made under a claim that is gone, and
that the next one, which has read before, does not see.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from questline_persistence.claims import OnceRecord
from questline_persistence.clock import rfc3339
from questline_persistence.dialects.driver import execute

# A record that is there is its own, sent once more: a name comes once in an attempt, and a later one reads it first.
_RECORD = """
WITH done AS (
  SELECT * FROM unnest(%(quest_ids)s::text[], %(epochs)s::int[], %(positions)s::text[], %(claim_ids)s::text[],
                       %(names)s::text[], %(ordinals)s::int[], %(overlapped)s::int[], %(results)s::text[],
                       %(attempts)s::int[], %(starts)s::text[], %(ends)s::text[])
    AS done(quest_id, epoch, position, claim_id, name, ordinal, overlapped, result, attempt, started_at, ended_at)
), held AS (
  SELECT done.* FROM done JOIN tickets t ON t.quest_id = done.quest_id
  WHERE t.quest_id = ANY(%(quest_ids)s) AND t.claim_id = done.claim_id
    AND t.state || '' = 'running' AND t.epoch = done.epoch AND t.position = done.position
  ORDER BY t.quest_id FOR SHARE OF t
)
INSERT INTO step_once
  (quest_id, epoch, position, claim_id, name, ordinal, overlapped, result, attempt, started_at, ended_at)
SELECT quest_id, epoch, position, claim_id, name, ordinal, overlapped, result, attempt, started_at, ended_at FROM held
ON CONFLICT (quest_id, epoch, position, name) DO UPDATE SET claim_id = excluded.claim_id
  WHERE step_once.claim_id = excluded.claim_id
RETURNING claim_id, name
"""


def record_once(connection: Connection, records: Sequence[OnceRecord]) -> set[tuple[str, str]]:
    """Keep what calls within steps came to; return the claim and the name of each that its claim still allowed."""
    claims = [record.claim for record in records]
    values = {
        "quest_ids": [claim.quest_id for claim in claims],
        "epochs": [claim.epoch for claim in claims],
        "positions": [claim.position for claim in claims],
        "claim_ids": [claim.claim_id for claim in claims],
        "names": [record.name for record in records],
        "ordinals": [record.ordinal for record in records],
        "overlapped": [int(record.overlapped) for record in records],
        "results": [record.result for record in records],
        "attempts": [claim.attempt for claim in claims],
        "starts": [rfc3339(record.start_time) for record in records],
        "ends": [rfc3339(record.end_time) for record in records],
    }
    return {(row[0], row[1]) for row in execute(connection, _RECORD, values)}
