"""Budgets: how much one quest, the quests of a type, or all of a namespace may spend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from questline_persistence.arguments import whole
from questline_persistence.clock import rfc3339
from questline_persistence.controls import LockedQuest, lock
from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.schema import budgets, step_costs
from questline_persistence.store import Database

#: Largest budget in US dollars.
MAX_USD = 1_000_000_000.0
#: Most budgets that are listed.
MAX_LISTED = 1_000


class BudgetScope(StrEnum):
    """What a budget is of.

    Parameters:
      quest: one quest.
      type: all quests of a type together.
      namespace: all quests of the namespace together.
    """

    QUEST = "quest"
    TYPE = "type"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent, and how much is.

    Parameters:
      scope: what it is of: "quest", "type" or "namespace".
      name: the quest's id, the type, or "" for the namespace.
      max_usd: most US dollars, or None.
      max_tokens: most tokens, in and out together, or None.
      spent_usd: the US dollars that are spent: by a quest in all, else since the budget was set.
      spent_tokens: the tokens that are spent, likewise.
      created_at: when it was set first.
    """

    scope: BudgetScope
    name: str
    max_usd: float | None
    max_tokens: int | None
    spent_usd: float
    spent_tokens: int
    created_at: str

    @property
    def lifted(self) -> bool:
        """Whether it lets its quest go on whatever it and others spend."""
        return self.max_usd is None and self.max_tokens is None

    @property
    def is_used_up(self) -> bool:
        """Whether nothing of it is left."""
        return (self.max_usd is not None and self.spent_usd >= self.max_usd) or (
            self.max_tokens is not None and self.spent_tokens >= self.max_tokens
        )

    @property
    def told(self) -> str:
        """What is used up, in words."""
        whose = {
            BudgetScope.QUEST: "the quest's budget",
            BudgetScope.TYPE: f"the budget of the type {self.name}",
            BudgetScope.NAMESPACE: "the namespace's budget",
        }[self.scope]
        if self.max_usd is not None and self.spent_usd >= self.max_usd:
            return f"{whose} of ${self.max_usd:,.2f} is used up: ${self.spent_usd:,.2f} are spent"
        return f"{whose} of {self.max_tokens:,} tokens is used up: {self.spent_tokens:,} are spent"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "scope": str(self.scope),
            "name": self.name,
            "max_usd": self.max_usd,
            "max_tokens": self.max_tokens,
            "spent_usd": self.spent_usd,
            "spent_tokens": self.spent_tokens,
            "used_up": self.is_used_up,
            "created_at": self.created_at,
        }


def budget_of(row: Row[Any]) -> Budget:
    """Return the budget that a row is."""
    values = {name: value for name, value in row._asdict().items() if name != "namespace"}
    return Budget(**{**values, "scope": BudgetScope(row.scope)})


class Budgets:
    """Sets and reads the budgets of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant.

    Parameters of its methods:
      scope: what the budget is of.
      name: the quest's id, the type, or "" for the namespace.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def set(
        self, scope: BudgetScope | str, name: str = "", *, max_usd: float | None = None, max_tokens: int | None = None
    ) -> Budget:
        """Set a budget; what was spent of one that is there counts on. A quest's counts all that it has spent.

        Parameters:
          max_usd: most US dollars.
          max_tokens: most tokens, in and out together.

        Raises:
          PayloadError: neither limit is given, or one is none.
          QuestNotFound: there is no such quest.
        """
        chosen = _scope(scope, name)
        if max_usd is None and max_tokens is None:
            raise PayloadError("a budget needs a limit", hint="give max_usd, max_tokens or both")
        if max_usd is not None and not (math.isfinite(max_usd) and 0 <= max_usd <= MAX_USD):
            raise PayloadError(f"max_usd must be 0 to {MAX_USD:,.0f}, not {max_usd}")
        if max_tokens is not None:
            whole(max_tokens, "max_tokens", least=0)
        return self._put(chosen, name, max_usd, max_tokens)

    def list(self) -> list[Budget]:
        """Return the budgets, those of the namespace and of types first; at most `MAX_LISTED`."""
        query = (
            select(budgets)
            .where(budgets.c.namespace == self.namespace)
            .order_by(budgets.c.scope == BudgetScope.QUEST.value, budgets.c.scope, budgets.c.name)
            .limit(MAX_LISTED)
        )
        return self.database.read(lambda connection: [budget_of(row) for row in connection.execute(query)])

    def of_quest(self, quest_id: str) -> Budget | None:
        """Return a quest's own budget, or None.

        Parameters:
          quest_id: the quest.
        """
        query = select(budgets).where(*self._mine(BudgetScope.QUEST, quest_id))
        row = self.database.read(lambda connection: connection.execute(query).first())
        return None if row is None else budget_of(row)

    def remove(self, scope: BudgetScope | str, name: str = "") -> None:
        """Remove a budget.

        Raises:
          NotFound: there is none.
        """
        change = delete(budgets).where(*self._mine(_scope(scope, name), name))
        if not self.database.write(lambda connection: connection.execute(change).rowcount, at="save"):
            raise NotFound(f"there is no budget of {scope} {name}".rstrip())

    def _mine(self, scope: BudgetScope, name: str) -> tuple[Any, ...]:
        return (budgets.c.namespace == self.namespace, budgets.c.scope == scope.value, budgets.c.name == name)

    def _put(self, scope: BudgetScope, name: str, max_usd: float | None, max_tokens: int | None) -> Budget:
        def work(connection: Connection) -> Budget:
            now = self.database.clock.now()
            if scope is BudgetScope.QUEST:
                return _put_on(lock(connection, self.namespace, name, now=now), max_usd, max_tokens)
            return _put(connection, self.namespace, scope, name, now, max_usd=max_usd, max_tokens=max_tokens)

        return self.database.write(work, at="save")


def lift(locked: LockedQuest) -> None:
    """Let a quest go on whatever it and others spend.

    Parameters:
      locked: the quest, whose rows are locked.
    """
    _put_on(locked, None, None)


def _put_on(locked: LockedQuest, max_usd: float | None, max_tokens: int | None) -> Budget:
    """Set the budget of a quest that is locked, as by whoever charges it."""
    usd, tokens = _spent(locked.connection, locked.quest_id)
    place = (locked.connection, locked.quest.namespace, BudgetScope.QUEST, locked.quest_id, locked.now)
    return _put(*place, max_usd=max_usd, max_tokens=max_tokens, spent_usd=usd, spent_tokens=tokens)


def _put(
    connection: Connection,
    namespace: str,
    scope: BudgetScope,
    name: str,
    now: float,
    *,
    max_usd: float | None,
    max_tokens: int | None,
    **spent: float,
) -> Budget:
    """Change a budget's limits, or make it with what is spent of it."""
    limits = {"max_usd": max_usd, "max_tokens": max_tokens}
    own = (budgets.c.namespace == namespace, budgets.c.scope == scope.value, budgets.c.name == name)
    row = connection.execute(update(budgets).where(*own).values(**limits).returning(*budgets.c)).first()
    if row is None:
        key = {"namespace": namespace, "scope": scope.value, "name": name, "created_at": rfc3339(now)}
        values = {"spent_usd": 0.0, "spent_tokens": 0, **spent, **key, **limits}
        row = connection.execute(insert(budgets).values(**values).returning(*budgets.c)).one()
    return budget_of(row)


def _spent(connection: Connection, quest_id: str) -> tuple[float, int]:
    """Return what a quest has spent, in US dollars and in tokens."""
    tokens = func.coalesce(func.sum(step_costs.c.input_tokens + step_costs.c.output_tokens), 0)
    query = select(func.coalesce(func.sum(step_costs.c.usd), 0.0), tokens).where(step_costs.c.quest_id == quest_id)
    usd, count = connection.execute(query).one()
    return float(usd), int(count)


def _scope(given: BudgetScope | str, name: str) -> BudgetScope:
    try:
        scope = BudgetScope(given)
    except ValueError:
        raise PayloadError(f"{given!r:.60} is no scope", hint=f"give one of: {', '.join(BudgetScope)}") from None
    if bool(name) is (scope is BudgetScope.NAMESPACE):
        raise PayloadError(f"a budget of a {scope} needs {'no name' if name else 'a name'}")
    return scope
