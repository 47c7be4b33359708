"""The tables of batches: one verb over all quests that a filter means, and what came of it for each."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from questline_persistence.schema.metadata import METADATA, one_of
from questline_persistence.states import BatchState

_OPEN = text("state IN ('new', 'running')")
_KEYED = text("idempotency_key IS NOT NULL")

#: Batches. How far one has come is written by the transaction that does its verb to a quest.
batches = Table(
    "batches",
    METADATA,
    Column("batch_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    #: What people call it.
    Column("name", Text),
    #: What it does to each quest, as the command line calls it.
    Column("verb", Text, nullable=False),
    #: What the verb needs beside a quest, as a JSON object: where a replay starts, and what it corrects.
    Column("arguments", Text, nullable=False),
    #: Which quests are meant, as a JSON object.
    Column("filter", Text, nullable=False),
    #: Where it is in its life.
    Column("state", Text, nullable=False),
    #: How many quests were meant when it was made, none beyond 100,000 counted.
    Column("total", Integer, nullable=False),
    #: 1 where even more were meant.
    Column("total_capped", Integer, nullable=False),
    #: On how many quests the verb was tried.
    Column("done", Integer, nullable=False),
    #: To how many of these it was done.
    Column("changed", Integer, nullable=False),
    #: With how many of these there was nothing to do.
    Column("unchanged", Integer, nullable=False),
    #: How many of these did not allow it.
    Column("refused", Integer, nullable=False),
    #: With how many of these questline itself met an error.
    Column("failed", Integer, nullable=False),
    #: On whose behalf the verb is done, as the audit tells it.
    Column("actor", Text, nullable=False),
    #: The way by which they came.
    Column("door", Text, nullable=False),
    #: The network address that they came from.
    Column("address", Text),
    #: The request that made it.
    Column("request_id", Text),
    #: Why, in the words of who made it.
    Column("reason", Text),
    #: The key that whoever made it gave, so as to make it once however often they ask.
    Column("idempotency_key", Text),
    #: When it was made; quests made later are not meant.
    Column("created_at", Text, nullable=False),
    #: When it was begun.
    Column("started_time", Double),
    #: When it was done or aborted.
    Column("ended_time", Double),
    #: When the quest was made that it has come to: those made later are to follow.
    Column("reached_at", Text, nullable=False),
    #: The id of that quest.
    Column("reached_id", Text, nullable=False),
    #: The hold of the process that works at it.
    Column("claim_id", Text),
    #: Until when nobody else takes it up.
    Column("lease_until", Double, nullable=False),
    one_of("state", BatchState),
    Index(
        "uq_batches_idempotency_key",
        "namespace",
        "idempotency_key",
        unique=True,
        sqlite_where=_KEYED,
        postgresql_where=_KEYED,
    ),
    Index("ix_batches_newest", "namespace", "created_at", "batch_id"),
    Index("ix_batches_open", "namespace", "lease_until", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

#: What came of a batch's verb, quest by quest. A row outlives its quest.
batch_results = Table(
    "batch_results",
    METADATA,
    Column("batch_id", Text, ForeignKey("batches.batch_id"), nullable=False),
    #: The how-manieth quest of its batch it was.
    Column("number", Integer, nullable=False),
    Column("quest_id", Text, nullable=False),
    #: changed, unchanged, refused or failed.
    Column("outcome", Text, nullable=False),
    #: The code of the error that the verb met.
    Column("code", Text),
    #: The message of that error.
    Column("message", Text),
    #: When, by the database's clock, in RFC 3339.
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("batch_id", "number"),
    Index("ix_batch_results_quest_id", "batch_id", "quest_id", unique=True),
    Index("ix_batch_results_outcome", "batch_id", "outcome", "number"),
)
