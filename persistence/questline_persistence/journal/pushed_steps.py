"""The steps that a step pushes: they join the plan together with its result, right after it."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, func, insert, select, update

from questline_persistence.claims import Claim
from questline_persistence.errors import PayloadError
from questline_persistence.models import MAX_STEPS, LordStep
from questline_persistence.payload import Limits, encode, size_of, too_large
from questline_persistence.plan import PlannedStep, counts_text
from questline_persistence.schema import quests, sealed, steps

#: Longest position: steps that push steps between others, some twenty deep.
MAX_POSITION_LENGTH = 100


def insert_pushed(connection: Connection, claim: Claim, pushed: Sequence[LordStep], limits: Limits) -> None:
    """Add the steps that come with a result to the plan, at positions below the step that pushed them.

    Raises:
      PayloadError: they are too many, too deep or too large.
    """
    counts = _step_counts(connection, claim)
    if sum(counts.values()) + len(pushed) > MAX_STEPS:
        raise PayloadError(f"{len(pushed)} pushed steps would make the quest longer than {MAX_STEPS:,} steps")
    rows = []
    for position, step in zip(_free_positions(connection, claim, len(pushed)), pushed, strict=True):
        which = counts[step.lord_name] = counts.get(step.lord_name, 0) + 1
        params = encode(
            step.params, what=f"the params of step {position} ({step.handler})", root="params", limit=limits.params
        )
        row = PlannedStep.of(step, position, which, params).row(claim.quest_id, epoch=claim.epoch, queue=claim.queue)
        rows.append(row | {"since_version": claim.version + 1})
    if (size := sum(size_of(row["params"]) for row in rows)) > limits.stack.size:
        raise too_large(
            f"the list of params of the {len(rows):,} steps that step {claim.position} pushes",
            f"{size:,}",
            limits.stack,
        )
    connection.execute(insert(steps), [sealed(connection, steps, row) for row in rows])
    mine = quests.c.quest_id == claim.quest_id
    connection.execute(update(quests).where(mine).values(step_counts=counts_text(counts)))


def _step_counts(connection: Connection, claim: Claim) -> dict[str, int]:
    """Return how many steps of each Lord the plan has: as it was noted, or counted in a quest where it was not."""
    noted = connection.execute(select(quests.c.step_counts).where(quests.c.quest_id == claim.quest_id)).scalar_one()
    if noted is not None:
        found: dict[str, int] = orjson.loads(noted)
        return found
    plan = (steps.c.quest_id == claim.quest_id, steps.c.epoch == claim.epoch)
    rows = connection.execute(
        select(steps.c.lord_name, func.max(steps.c.occurrence)).where(*plan).group_by(steps.c.lord_name)
    )
    return {row[0]: row[1] for row in rows}


def _free_positions(connection: Connection, claim: Claim, count: int) -> list[str]:
    """Return where pushed steps go: right after their step, and no deeper than need be.

    A step that was pushed itself, as the last of its group, has its own pushed beside it. So a step that pushes its
    successor, which pushes the next, makes a long group and no deep one.
    """
    position = claim.position
    group, _, number = position.rpartition(".")
    after = connection.execute(
        select(steps.c.position)
        .where(steps.c.quest_id == claim.quest_id, steps.c.epoch == claim.epoch, steps.c.position > position)
        .order_by(steps.c.position)
        .limit(1)
    ).scalar()
    last = group and not (after or "").startswith(f"{group}.") and int(number) + count <= MAX_STEPS
    stem, first = (group, int(number) + 1) if last else (position, 1)
    positions = [f"{stem}.{index:04d}" for index in range(first, first + count)]
    if len(positions[-1]) > MAX_POSITION_LENGTH:
        raise PayloadError(
            f"step {position} pushes steps too deep: a position may have {MAX_POSITION_LENGTH} characters"
        )
    return positions
