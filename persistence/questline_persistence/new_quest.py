"""A new quest on its way into the store."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from questline_persistence.claims import Doorbell
from questline_persistence.payload import CLEAR, Codec, cells
from questline_persistence.plan import Plan


class NewQuest(NamedTuple):
    """All that the rows of one new quest are made of; payloads and labels are JSON text."""

    quest_id: str
    namespace: str
    quest_type: str
    input_data: str
    run_data: str
    labels: str
    queue: str
    priority: int
    forked_from: str | None
    idempotency_key: str | None
    created_at: str
    schema_version: int
    available_at: float
    ring_at: float
    #: Where its lineage begins: 0, or behind that of a deleted quest of the same id.
    epoch: int
    #: The fence of its first ticket: 1, or above the last of such a quest.
    fence: int
    plan: Plan
    #: Whether an idempotency key that was used for another input gives that quest, and no error.
    any_input: bool = False
    #: What its payloads pass on their way into its rows.
    codec: Codec = CLEAR

    @property
    def doorbell(self) -> Doorbell:
        """The bell to ring once the rows are committed."""
        queue = self.plan.queue or self.queue
        return Doorbell(
            self.quest_id, self.epoch, self.plan.position, self.fence, queue, self.priority, self.available_at
        )

    def sealed(self) -> NewQuest:
        """Return the quest with its payloads sealed for the rows that they are to stand in."""
        codec, quest_id = self.codec, self.quest_id
        if codec is CLEAR:
            return self
        steps = tuple(
            step._replace(params=codec.seal(step.params, cells.of_step(quest_id, self.epoch, step.position)))
            for step in self.plan.steps
        )
        stack = codec.seal(self.plan.text, cells.of_quest("execution_stack", self.namespace, quest_id))
        return self._replace(
            input_data=codec.seal(self.input_data, cells.of_quest("input_data", self.namespace, quest_id)),
            run_data=codec.seal(self.run_data, cells.of_snapshot("run_data", quest_id, 0)),
            plan=replace(self.plan, text=stack, steps=steps),
        )
