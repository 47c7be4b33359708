"""When heads of what Lords remember were made and changed: in epoch seconds, and as text that says the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, case

from questline_persistence.clock import rfc3339, told


def made_at(now: float) -> dict[str, Any]:
    """Return the times of a head that is made now.

    Parameters:
      now: the database's time in epoch seconds.
    """
    stamp = rfc3339(now)
    return {"created_at": stamp, "updated_at": stamp, "updated_time": told(now)}


def moved_on(heads: Table, now: float) -> dict[str, Any]:
    """Return the times of a head that is changed now: never before it was changed last.

    Parameters:
      heads: its table.
      now: the database's time in epoch seconds.
    """
    moment, stamp = told(now), rfc3339(now)
    return {
        "updated_time": case((heads.c.updated_time > moment, heads.c.updated_time), else_=moment),
        "updated_at": case((heads.c.updated_at > stamp, heads.c.updated_at), else_=stamp),
    }
