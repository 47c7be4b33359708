"""Writes down what attempts have spent, and pauses quests whose budgets that uses up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, insert, or_, select, true, update

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.controls import LockedQuest, lock, pause_locked
from questline_persistence.costs.budgets import Budget, BudgetScope, budget_of
from questline_persistence.costs.cost import Cost, Spent
from questline_persistence.dialects import Overtime
from questline_persistence.errors import QuestNotFound
from questline_persistence.schema import budgets, quests, step_costs, steps, tickets
from questline_persistence.states import TRANSITIONS
from questline_persistence.store import Database

#: Most quests that one look pauses.
MAX_HELD = 100
#: On whose behalf quests are paused, as the audit tells it.
ACTOR = Actor("budget")


class Spending:
    """Notes what attempts of one namespace's quests spend.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self._database = database
        self._namespace = namespace

    def note(self, spent: Spent) -> bool:
        """Note what an attempt has spent by now, and pause its quest if a budget is used up; return whether it was.

        It is tried once, and may be called again with the same or with more: what was noted before counts once. A quest
        whose last step has succeeded is not paused.

        Raises:
          StoreUnavailable: the store did not answer; whether it is noted is not known.
          Overtime: somebody keeps the quest locked; nothing was noted.
        """

        def work(connection: Connection) -> bool:
            now, limits = self._database.clock.now(), self._database.limits
            locked = lock(connection, self._namespace, spent.claim.quest_id, now=now, limits=limits)
            over = _noted(locked, spent)
            return over is not None and _goes_on(connection, spent) and self._paused(locked, over)

        try:
            return self._database.write(work, at="pause", tries=1, limited=True)
        except QuestNotFound:  # it was deleted, and what it has spent with it
            return False

    def hold(self) -> int:
        """Pause quests of types and namespaces whose budget is used up, at most `MAX_HELD`; return how many were.

        Those that have spent something have been paused by that; the others must not begin a further step either.

        Raises:
          StoreUnavailable: the store did not answer.
        """
        held = 0
        for quest_id in self._database.read(self._still_going):
            with suppress(QuestNotFound, Overtime):  # gone, or locked until the next look
                work = partial(self._hold, quest_id=quest_id)
                held += self._database.write(work, at="pause", tries=1, limited=True)
        return held

    def _hold(self, connection: Connection, quest_id: str) -> bool:
        now, limits = self._database.clock.now(), self._database.limits
        locked = lock(connection, self._namespace, quest_id, now=now, limits=limits)
        which = _budgets_of(self._namespace, locked.quest.quest_type, quest_id)
        over = _used_up([budget_of(row) for row in connection.execute(select(budgets).where(which))])
        return over is not None and self._paused(locked, over)

    def _still_going(self, connection: Connection) -> list[str]:
        """Return quests on which nobody has asked for a pause yet, of types or a namespace whose budget is used up."""
        spent = or_(budgets.c.spent_usd >= budgets.c.max_usd, budgets.c.spent_tokens >= budgets.c.max_tokens)
        common = budgets.c.scope.in_([BudgetScope.TYPE.value, BudgetScope.NAMESPACE.value])
        used = select(budgets.c.name).where(budgets.c.namespace == self._namespace, common, spent)
        types = set(connection.execute(used).scalars())
        if not types:
            return []
        lifted = exists().where(
            budgets.c.namespace == self._namespace,
            _is(BudgetScope.QUEST, quests.c.quest_id),
            budgets.c.max_usd.is_(None),
            budgets.c.max_tokens.is_(None),
        )
        query = (
            select(tickets.c.quest_id)
            .join(quests, quests.c.quest_id == tickets.c.quest_id)
            .where(tickets.c.namespace == self._namespace, tickets.c.pause_requested == 0, ~lifted)
            .where(true() if "" in types else quests.c.quest_type.in_(types))
            .limit(MAX_HELD)
        )
        return list(connection.execute(query).scalars())

    def _paused(self, locked: LockedQuest, over: Budget) -> bool:
        """Pause a quest since a budget is used up; return whether it could be."""
        if not locked.tickets or locked.status not in TRANSITIONS["pause"].sources:
            return False
        reason = f"{over.told}; to let it go on, run: questline resume {locked.quest_id} --budget"
        done = pause_locked(locked, reason)
        outcome = {"status": done.status, "epoch": done.epoch, "version": done.version}
        own = (locked.connection, ACTOR, self._namespace, AuditVerb.PAUSE)
        note(*own, now=locked.now, quest_id=locked.quest_id, reason=reason, outcome=outcome)
        return True


def _noted(locked: LockedQuest, spent: Spent) -> Budget | None:
    """Note what was spent in a transaction that has locked the quest; return the budget that is used up, if one is."""
    more = _write(locked.connection, spent, locked.now)
    return _used_up(_charged(locked.connection, spent, more))


def _used_up(found: Sequence[Budget]) -> Budget | None:
    """Return the budget of a quest that is used up; None where its budgets are lifted."""
    return None if any(one.lifted for one in found) else next((one for one in found if one.is_used_up), None)


def _write(connection: Connection, spent: Spent, now: float) -> Cost:
    """Write what an attempt has spent by model; return by how much that is more than what was written before."""
    claim, more = spent.claim, Cost()
    mine = and_(step_costs.c.quest_id == claim.quest_id, step_costs.c.claim_id == claim.claim_id)
    before = {row.model: row for row in connection.execute(select(step_costs).where(mine))}
    for model, cost in spent.by_model.items():
        values = {**cost.to_json(), "at": now}
        if model in before:
            connection.execute(update(step_costs).where(mine, step_costs.c.model == model).values(**values))
            more += cost - _cost(before[model])
            continue
        named = {name: getattr(claim, name) for name in _OF_CLAIM}
        connection.execute(insert(step_costs).values(**named, **values, model=model))
        more += cost
    return more


_OF_CLAIM = ("quest_id", "claim_id", "namespace", "quest_type", "lord_name", "epoch", "position", "attempt")


def _cost(row: Row[Any]) -> Cost:
    return Cost(row.input_tokens, row.output_tokens, row.usd)


def _charged(connection: Connection, spent: Spent, more: Cost) -> list[Budget]:
    """Charge the budgets that an attempt spends of; return them as they are now."""
    claim = spent.claim
    which = _budgets_of(claim.namespace, claim.quest_type, claim.quest_id)
    # Locked in one order: strangers spend of the same ones.
    query = select(budgets.c.scope).where(which).order_by(budgets.c.scope, budgets.c.name).with_for_update()
    if not connection.execute(query).all():
        return []
    spent_now = {
        "spent_usd": budgets.c.spent_usd + more.usd,
        "spent_tokens": budgets.c.spent_tokens + more.tokens,
    }
    rows = connection.execute(update(budgets).where(which).values(**spent_now).returning(*budgets.c))
    return [budget_of(row) for row in rows]


def _budgets_of(namespace: str, quest_type: str, quest_id: str) -> ColumnElement[bool]:
    """Return the condition that a budget is one of those that a quest spends of."""
    scopes = {BudgetScope.QUEST: quest_id, BudgetScope.TYPE: quest_type, BudgetScope.NAMESPACE: ""}
    return and_(budgets.c.namespace == namespace, or_(*(_is(scope, name) for scope, name in scopes.items())))


def _is(scope: BudgetScope, name: Any) -> ColumnElement[bool]:
    return and_(budgets.c.scope == scope.value, budgets.c.name == name)


def _goes_on(connection: Connection, spent: Spent) -> bool:
    """Tell whether anything of the quest would begin behind an attempt."""
    if spent.goes_on is not None:
        return spent.goes_on
    claim = spent.claim
    ahead = select(func.count()).where(
        steps.c.quest_id == claim.quest_id, steps.c.epoch == claim.epoch, steps.c.position > claim.position
    )
    return bool(connection.execute(ahead).scalar_one())
