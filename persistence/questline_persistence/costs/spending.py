"""Writes down what attempts have spent, and pauses quests whose budgets that uses up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.controls import LockedQuest, lock, pause_locked
from questline_persistence.costs.budgets import Budget, BudgetScope, budget_of
from questline_persistence.costs.cost import Cost, Spent
from questline_persistence.errors import QuestNotFound
from questline_persistence.schema import budgets, step_costs, steps
from questline_persistence.states import TRANSITIONS
from questline_persistence.store import Database

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
            reason = _noted(locked, spent)
            if reason is None or not locked.tickets or locked.status not in TRANSITIONS["pause"].sources:
                return False
            done = pause_locked(locked, reason)
            outcome = {"status": done.status, "epoch": done.epoch, "version": done.version}
            own = (connection, ACTOR, self._namespace, AuditVerb.PAUSE)
            note(*own, now=now, quest_id=locked.quest_id, reason=reason, outcome=outcome)
            return True

        try:
            return self._database.write(work, at="pause", tries=1, limited=True)
        except QuestNotFound:  # it was deleted, and what it has spent with it
            return False


def _noted(locked: LockedQuest, spent: Spent) -> str | None:
    """Note what was spent in a transaction that has locked the quest; return why it is to be paused, if it is."""
    connection, claim = locked.connection, spent.claim
    more = _write(connection, spent, locked.now)
    found = _charged(connection, spent, more)
    if not found or any(one.lifted for one in found):
        return None
    over = next((one for one in found if one.is_used_up), None)
    if over is None or not _goes_on(connection, spent):
        return None
    return f"{over.told}; to let it go on, run: questline resume {claim.quest_id} --budget"


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
    scopes = {BudgetScope.QUEST: claim.quest_id, BudgetScope.TYPE: claim.quest_type, BudgetScope.NAMESPACE: ""}
    which = and_(budgets.c.namespace == claim.namespace, or_(*(_is(scope, name) for scope, name in scopes.items())))
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


def _is(scope: BudgetScope, name: str) -> ColumnElement[bool]:
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
