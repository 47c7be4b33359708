"""Plans and what came of them, as planners and executors give them: the JSON to be kept, and what it says of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from questline_persistence.arguments import flaw_of, key, mapping
from questline_persistence.errors import PayloadError
from questline_persistence.payload import Limit, decode, encode

#: Where a plan or an input says what is to be achieved; the first that is text counts.
_OBJECTIVES = ("objective", "goal", "mission")
_HINT = 'give an object such as {"plan_id": "p1", "objective": "…"} for a plan, {"plan_id": "p1", "success": True} for '
_HINT += "what came of it"


@dataclass(frozen=True, slots=True)
class Given:
    """A plan, or what came of one.

    Parameters:
      what: its name, for error messages.
      text: the whole of it as JSON text.
      content: what that says.
    """

    what: str
    text: str
    content: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any, what: str, limit: Limit) -> Given:
        """Return what a caller gives.

        Raises:
          PayloadError: it is no JSON object, or too large.
        """
        text = encode(value, what=what, limit=limit)
        return cls(what, text, mapping(decode(text), what, _HINT))

    @property
    def plan_id(self) -> str:
        """The plan's id.

        Raises:
          PayloadError: there is none.
        """
        for part in self._parts():
            if "plan_id" in part:
                return key(part["plan_id"], f"{self.what}.plan_id")
        raise PayloadError(f"{self.what} has no plan_id", hint=_HINT)

    @property
    def objective(self) -> str:
        """What is to be achieved.

        Raises:
          PayloadError: nothing says so.
        """
        found = next(filter(None, map(objective_of, self._parts())), None)
        if found is None:
            raise PayloadError(f"{self.what} has no objective", hint=_HINT)
        if flaw := flaw_of(found):
            raise PayloadError(f"the objective of {self.what}: {flaw[0]}", hint=flaw[1])
        return found

    @property
    def success(self) -> bool:
        """Whether it was achieved.

        Raises:
          PayloadError: nothing says so.
        """
        success = self.content.get("success")
        if not isinstance(success, bool):
            raise PayloadError(f"{self.what}.success is true or false, not {success!r:.100}", hint=_HINT)
        return success

    def _parts(self) -> Iterator[Mapping[str, Any]]:
        """Yield the object itself, and the plan within it if there is one."""
        yield self.content
        if isinstance(plan := self.content.get("plan"), Mapping):
            yield plan


def objective_of(content: Mapping[str, Any]) -> str | None:
    """Return what a plan or an input wants to achieve; None where it does not say so in words."""
    found = (content.get(name) for name in _OBJECTIVES)
    return next((text for text in found if isinstance(text, str) and text), None)
