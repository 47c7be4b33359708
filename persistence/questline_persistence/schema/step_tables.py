"""The tables of what a step keeps on its way, before its result, and of what it says meanwhile."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

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

#: What the steps of quests say while they run, line by line. Rows are added, never changed.
#:
#: The one process that holds a claim numbers its lines, so whoever follows a quest by claim and number misses nothing.
step_events = Table(
    "step_events",
    METADATA,
    Column("quest_id", ForeignKey("quest_executions.quest_id"), primary_key=True),
    #: The fence of the claim: each claim of a quest has a higher one than those before.
    Column("fence", BigInteger, primary_key=True),
    #: The claim that says it.
    Column("claim_id", Text, primary_key=True),
    #: The line's number within its claim, from 1.
    Column("seq", Integer, primary_key=True),
    #: The quest's replay number.
    Column("epoch", Integer, nullable=False),
    #: The step's place.
    Column("position", Position, nullable=False),
    #: Which attempt of the step it is, as `ctx.attempt` tells.
    Column("attempt", Integer, nullable=False),
    #: When it was said, by the claim's time.
    Column("at", Double, nullable=False),
    #: What it is: `log`, `data`, or `left_out` for a word on what is missing.
    Column("kind", Text, nullable=False),
    #: How grave a line of `ctx.log` is: `info`, `warning` …
    Column("level", Text),
    #: The text of a line.
    Column("message", Text),
    #: The fields of a line, or what `ctx.emit` was given, as JSON.
    Column("data", Text),
    Index("ix_step_events_position", "quest_id", "position", "fence"),
)

#: What attempts of steps have spent, as `ctx.cost` was told, whatever came of them.
step_costs = Table(
    "step_costs",
    METADATA,
    Column("quest_id", ForeignKey("quest_executions.quest_id"), primary_key=True),
    #: The claim that has spent it.
    Column("claim_id", Text, primary_key=True),
    #: What it was spent on; "" where that was not told.
    Column("model", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("quest_type", Text, nullable=False),
    Column("lord_name", Text, nullable=False),
    #: The quest's replay number.
    Column("epoch", Integer, nullable=False),
    #: The step's place.
    Column("position", Position, nullable=False),
    #: Which attempt of the step it is, as `ctx.attempt` tells.
    Column("attempt", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("usd", Double, nullable=False),
    #: When it was last added to, by the database's clock.
    Column("at", Double, nullable=False),
    Index("ix_step_costs_lord_name", "namespace", "lord_name"),
)

#: How much may be spent, and how much is: by one quest, by the quests of a type, or by all of a namespace.
budgets = Table(
    "budgets",
    METADATA,
    Column("namespace", Text, primary_key=True),
    #: What it is of: `quest`, `type` or `namespace`.
    Column("scope", Text, primary_key=True),
    #: The quest's id, the type, or "" for the whole namespace.
    Column("name", Text, primary_key=True),
    #: NULL where there is no such limit; a quest with neither is held up by no budget at all.
    Column("max_usd", Double),
    Column("max_tokens", BigInteger),
    #: Spent since it was set; by a quest, since it was made.
    Column("spent_usd", Double, nullable=False),
    Column("spent_tokens", BigInteger, nullable=False),
    Column("created_at", Text, nullable=False),
)
