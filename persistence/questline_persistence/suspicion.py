"""Whom to suspect when a worker has died: which of the steps that it ran may have killed it, and how each runs next.

Who ran beside a death is a suspect, not guilty: only a step that ran alone in its process is charged with its death.
The others begin few at a time from then on, and run in smaller and smaller company, so that the next death tells more.
The step that comes after a suspect is a new one, and nobody's suspect: a checkpoint acquits.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A step that kills this many workers, each while it ran alone, fails its quest, unless a setting says otherwise.
MAX_LOST = 3
#: Most workers that one step may lose in all. Only a step that never gets to run alone comes that far.
MAX_LOST_IN_ALL = 20
#: Deaths after which the company of a step shrinks each time, whatever else began beside it.
PATIENCE = 6
#: By how much it shrinks then, and by how much fewer steps begin together with it after each death.
SHRINK = 4
#: How much older than a worker's last heartbeat a claim may be and count as made since, in seconds: the clocks of two
#: machines never agree quite.
CLOCK_SLACK = 0.1


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker died, as it was recorded when that was found out.

    Parameters:
      beside: how many steps it ran.
      begun: how many of them had begun since its last heartbeat.
    """

    beside: int
    begun: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What a step that lost its worker is to bear.

    Parameters:
      charged: whether it ran alone, so that nobody else can have killed the worker.
      company: in how large a company it may run next, itself included.
    """

    charged: bool
    company: int


def weigh(death: Death | None, *, lost: int, company: int, just_begun: bool) -> Loss:
    """Return what a step is to bear that ran when its worker died.

    A first death makes nobody wait: it may have been the machine's, or a deploy's. From then on suspects begin few at a
    time (`together`), since who kills a worker mostly does so as soon as it begins: one that alone had begun since the
    last heartbeat runs alone next. Where nobody had, or where that leads nowhere, the company of all shrinks until each
    runs alone.

    Parameters:
      death: how the worker died; None if nobody has recorded it.
      lost: how many workers the step had lost before.
      company: in what company it was to run this time; of no meaning where `lost` is 0.
      just_begun: whether it had begun since the worker's last heartbeat.
    """
    if death is None:
        return Loss(charged=False, company=company if lost else SHRINK)
    if death.beside <= 1:
        return Loss(charged=True, company=1)
    if lost and just_begun and death.begun <= 1:
        return Loss(charged=False, company=1)
    allowed = company if lost else death.beside
    if lost >= PATIENCE or (lost and not death.begun):
        allowed = max(1, min(allowed, death.beside) // SHRINK)
    return Loss(charged=False, company=allowed)


def together(lost: int, company: int) -> int:
    """Return how many steps may begin between two heartbeats, if one of them has lost so many workers."""
    return max(1, company // (2 * int(SHRINK**lost)))


def most(lost: int, company: int) -> int | None:
    """Return how many steps may run in one process beside one that has lost so many workers, it included, or None.

    After a first death any number may: it takes a second one to tell a killer from a machine that went down.
    """
    return company if lost > 1 or company == 1 else None
