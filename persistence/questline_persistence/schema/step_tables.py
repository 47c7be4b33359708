"""The tables of what a step keeps on its way, before its result."""

from __future__ import annotations

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text

from questline_persistence.schema.metadata import METADATA, Position

#: What the calls of `ctx.once` came to. Rows are added, and deleted with their quest.
#:
#: A row is written under the claim of its step, and served to the later attempts of the step.
once = Table(
    "step_once",
    METADATA,
    Column("quest_id", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("position", Position, nullable=False),
    #: The call's name; `name#2` where a name is used for the second time.
    Column("name", Text, nullable=False),
    #: The place of the call among those of its step, from 0.
    Column("ordinal", Integer, nullable=False),
    #: 1 where another task or thread than the handler's own has made the call, so that its place may change.
    Column("overlapped", Integer, nullable=False),
    #: What the call returned, as JSON.
    Column("result", Text, nullable=False),
    #: The claim under which it ran.
    Column("claim_id", Text, nullable=False),
    #: The attempt of the step in which it ran.
    Column("attempt", Integer, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text, nullable=False),
    PrimaryKeyConstraint("quest_id", "epoch", "position", "name"),
)
