"""What stands where a state has nothing: null is something."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


#: There is nothing at a path.
ABSENT = Absent.ABSENT


def present(**values: Any) -> dict[str, Any]:
    """Return those of `values` that are there."""
    return {name: value for name, value in values.items() if value is not ABSENT}
