"""What a supervisor tells a worker process through its pipe, and what the process may answer by its exit code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

#: Exit code of a child that cannot import its Lords or is configured wrongly.
EXIT_MISCONFIGURED = 2


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor tells a child.

    Parameters:
      settings: the settings of the pool, as JSON data.
      modules: the modules that register Lords.
      loops: whether the child hosts the background loops.
      process_id: the name under which the supervisor knows it.
      development: whether it listens to every queue that its Lords name, and tells of every step.
      reports: whether it tells what it counts.
    """

    settings: dict[str, Any]
    modules: list[str]
    loops: bool
    process_id: str
    development: bool = False
    reports: bool = False

    def line(self) -> bytes:
        """Return the orders as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"
