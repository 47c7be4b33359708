"""What was spent: by a quest and its steps, by Lords, types, models and labels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from questline_persistence.costs.cost import Cost
from questline_persistence.errors import PayloadError
from questline_persistence.schema import quests, step_costs
from questline_persistence.store import Database

#: Most groups that are told of; those that have spent most come first.
MAX_GROUPS = 200

_SUMS = tuple(
    func.coalesce(func.sum(step_costs.c[name]), 0).label(name) for name in ("input_tokens", "output_tokens", "usd")
)


class GroupedBy(StrEnum):
    """By what costs are added up.

    Parameters:
      lord: by the Lord.
      type: by the quest's type.
      model: by the model.
      label: by the value of one of the quests' labels.
    """

    LORD = "lord"
    TYPE = "type"
    MODEL = "model"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class StepCost:
    """What one step has spent in all of its attempts, on one model.

    Parameters:
      position: the step's place.
      lord_name: its Lord.
      model: the model; "" where that was not told.
      cost: how much.
    """

    position: str
    lord_name: str
    model: str
    cost: Cost

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        named = {"position": self.position, "lord_name": self.lord_name, "model": self.model}
        return {**named, **self.cost.to_json()}


@dataclass(frozen=True, slots=True)
class GroupCost:
    """What was spent by all that have something in common.

    Parameters:
      name: the Lord, the type, the model, or the label's value; "" where there is none.
      cost: how much.
    """

    name: str
    cost: Cost

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {"name": self.name, **self.cost.to_json()}


class Costs:
    """Adds up what the quests of one namespace have spent; those that were deleted count no more.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def of_quest(self, quest_id: str) -> list[StepCost]:
        """Return what each step of a quest has spent, in all epochs, failed attempts included.

        Parameters:
          quest_id: the quest.
        """
        keys = (step_costs.c.position, step_costs.c.lord_name, step_costs.c.model)
        mine = (step_costs.c.quest_id == quest_id, step_costs.c.namespace == self.namespace)
        query = select(*keys, *_SUMS).where(*mine).group_by(*keys).order_by(*keys)
        rows = self.database.read(lambda connection: connection.execute(query).all())
        return [StepCost(row.position, row.lord_name, row.model, _cost(row)) for row in rows]

    def total(self) -> Cost:
        """Return what all quests have spent."""
        query = select(*_SUMS).where(step_costs.c.namespace == self.namespace)
        return _cost(self.database.read(lambda connection: connection.execute(query).one()))

    def of_lords(self) -> defaultdict[str, Cost]:
        """Return what each Lord has spent, for the `MAX_GROUPS` that have spent most; nothing for any other."""
        return defaultdict(Cost, {group.name: group.cost for group in self.by(GroupedBy.LORD)})

    def by(self, what: GroupedBy | str, label: str | None = None) -> list[GroupCost]:
        """Return what was spent by all that have something in common, the most money first; at most `MAX_GROUPS`.

        Parameters:
          what: what they have in common.
          label: the key of the label, if it is one.

        Raises:
          PayloadError: it is nothing of these, or the label's key is missing.
        """
        name = _grouped(what, label)
        query = select(name.label("name"), *_SUMS).where(step_costs.c.namespace == self.namespace)
        if label is not None:
            query = query.join(quests, quests.c.quest_id == step_costs.c.quest_id)
        usd, tokens = func.sum(step_costs.c.usd), func.sum(step_costs.c.input_tokens + step_costs.c.output_tokens)
        query = query.group_by(name).order_by(usd.desc(), tokens.desc(), name).limit(MAX_GROUPS)
        rows = self.database.read(lambda connection: connection.execute(query).all())
        return [GroupCost(row.name or "", _cost(row)) for row in rows]


def _grouped(what: GroupedBy | str, label: str | None) -> ColumnElement[Any]:
    try:
        chosen = GroupedBy(what)
    except ValueError:
        hint = f"give one of: {', '.join(GroupedBy)}"
        raise PayloadError(f"{what!r:.60} is nothing that costs are added up by", hint=hint) from None
    if (chosen is GroupedBy.LABEL) is not (label is not None):
        raise PayloadError("costs by label need the label's key, and others none")
    if label is not None:
        found: ColumnElement[Any] = quests.c.labels[label].as_string()
        return found
    columns = {GroupedBy.LORD: "lord_name", GroupedBy.TYPE: "quest_type", GroupedBy.MODEL: "model"}
    return step_costs.c[columns[chosen]]


def _cost(row: Row[Any]) -> Cost:
    return Cost(int(row.input_tokens), int(row.output_tokens), float(row.usd))
