"""Which tables belong to quests: each row of theirs names its quest, and goes where that goes."""

from __future__ import annotations

from questline_persistence.schema.step_tables import once, step_costs, step_events
from questline_persistence.schema.tables import quests, runs, snapshots, steps

#: The tables of what a quest is and has been through, in the order in which rows are inserted; they are removed the
#: other way round. Tickets come and go by the protocol, and what Lords remember has tables of its own.
OF_QUEST = (quests, steps, runs, snapshots, once, step_events, step_costs)
