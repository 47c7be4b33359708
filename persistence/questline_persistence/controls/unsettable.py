"""What a quest has, but a correction cannot set from where a replay or fork starts: why, and from where it could."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from questline_persistence.errors import MAX_LISTED

Step: TypeAlias = Mapping[str, Any]


class Unsettable(NamedTuple):
    """Why something that is there cannot be set.

    Parameters:
      reason: what keeps it from being set.
      hint: what to do instead.
    """

    reason: str
    hint: str


class OtherSteps:
    """The steps of a quest whose params or outputs cannot be set, for the errors that say so.

    Parameters:
      whole: the plan of the epoch that the start is in, with every step that was pushed in it, in its order.
      plan: what of it there is at the start.
      again: what of it runs again.
    """

    def __init__(self, whole: Sequence[Step], plan: Sequence[Step], again: Sequence[Step]) -> None:
        planned = {row["position"] for row in plan}
        running = {row["position"] for row in again}
        self._whole = whole
        self._again = again
        self._before = [row for row in plan if row["position"] not in running]
        self._dropped = [row for row in whole if row["position"] not in planned]
        self._often = Counter(row["lord_name"] for row in whole)

    def steps(self, settable: Container[str]) -> dict[str, Unsettable]:
        """Return why each step cannot be set, by its names, and why the name of a Lord with several steps cannot.

        Parameters:
          settable: names by which steps can be set; they are left out.
        """
        found = {name: self._lies_before(row) for row in self._before for name in _names(row)}
        found |= {name: self._is_dropped(row, row) for row in self._dropped for name in _names(row)}
        found |= {row["lord_name"]: self._is_ambiguous(row["lord_name"]) for row in self._again}
        return {name: why for name, why in found.items() if name not in settable}

    def outputs(self) -> dict[str, Unsettable]:
        """Return why each output cannot be set, by the names that it had."""
        # The first of a Lord comes last, so that its bare name means that one.
        found = {name: self._runs_again(row) for row in reversed(self._again) for name in _names(row)}
        dropped = reversed(self._dropped)
        return {name: self._is_dropped(row, self._behind(row)) for row in dropped for name in _names(row)} | found

    def _lies_before(self, row: Step) -> Unsettable:
        return Unsettable(f"step {_shown(row)} lies before the start and does not run again", self._start_from(row))

    def _is_dropped(self, row: Step, start: Step | None) -> Unsettable:
        pusher = row["position"].rpartition(".")[0]
        reason = f"step {_shown(row)} is gone from this start: step {pusher} runs again and pushes its steps anew"
        return Unsettable(reason, self._start_from(start))

    def _runs_again(self, row: Step) -> Unsettable:
        reason = f"step {_shown(row)} runs again, so it has no output at this start"
        return Unsettable(reason, self._start_from(self._behind(row)))

    def _is_ambiguous(self, lord_name: str) -> Unsettable:
        names = [f"{lord_name}#{row['occurrence']}" for row in self._again if row["lord_name"] == lord_name]
        listed = ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
        return Unsettable(f"{len(names)} steps of {lord_name} run again", f"name one of them: {listed}")

    def _behind(self, row: Step) -> Step | None:
        """Return the step after one; None where it is the last."""
        return next((one for one in self._whole if one["position"] > row["position"]), None)

    def _start_from(self, row: Step | None) -> str:
        if row is None:
            return "set its params, or the input: no step comes after it from which you could start"
        lord_name = row["lord_name"]
        return (
            f"start from {lord_name}#{row['occurrence']}" if self._often[lord_name] > 1 else f"start from {lord_name}"
        )


def _names(row: Step) -> Iterator[str]:
    """Yield what a correction may call a step, or its output."""
    yield row["position"]
    yield f"{row['lord_name']}#{row['occurrence']}"
    yield row["lord_name"]


def _shown(row: Step) -> str:
    return f"{row['position']} ({row['lord_name']}:{row['tool_name']})"
