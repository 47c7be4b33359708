"""Earlier outputs as a mapping that reads only what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from questline_persistence import run_data
from questline_persistence.claims import Claim
from questline_persistence.errors import PayloadError, StoreUnavailable, suggestion
from questline_persistence.payload import decode
from questline_persistence.records import QuestRepository

_NOTHING = object()


class NoOutput(KeyError):
    """A handler asked for an output that there is none of.

    Parameters:
      name: what it asked for.
      near: says what may have been meant; it reads every output, so it is asked only if somebody wants the words.
    """

    def __init__(self, name: object, near: Callable[[], str]) -> None:
        super().__init__(name)
        self._near = near

    def __str__(self) -> str:
        return f"there is no output of {self.args[0]!r:.100}; {self._near()}"


class Outputs(Mapping[str, Any]):
    """The outputs that a quest had when a worker claimed this step of it.

    `outputs["architect"]` reads that Lord's newest output and no other; `outputs["architect#2"]` that of its second
    step. Iterating reads all of them and gives each once, in the order in which the steps ran: as `architect` where
    the Lord has one output, as `architect#1`, `architect#2` … where it has several.

    Parameters:
      repository: where to read.
      claim: the hold on the step that asks.
      known: all of them, where they are known already.

    Example:
      modules = ctx.outputs["architect"]["modules"]
      drafts = ctx.outputs.all("forge_master")
    """

    def __init__(self, repository: QuestRepository, claim: Claim, known: dict[str, Any] | None = None) -> None:
        self._repository = repository
        self._at = (claim.quest_id, claim.epoch, claim.version)
        self._read: dict[str, Any] = {}
        self._inherited: dict[str, Any] | None = None
        self._all = known

    def __getitem__(self, name: str) -> Any:
        try:
            return self._known(name)
        except KeyError:
            raise NoOutput(name, partial(self._near, name)) from None

    def __contains__(self, name: object) -> bool:
        return self.get(name, _NOTHING) is not _NOTHING  # type: ignore[arg-type]  # whatever is asked for

    def get(self, name: str, default: Any = None) -> Any:
        """Return one output, or `default` where there is none; reads no other.

        Parameters:
          name: the Lord, or `LORD#n`.
          default: what to return where it has no output.
        """
        try:
            return self._known(name)
        except KeyError:
            return default

    def _near(self, name: object) -> str:
        """Return what may have been meant, of what there is."""
        try:
            names = list(self)
        except (PayloadError, StoreUnavailable):  # together they are too large to be read, or the store is away
            return "look at the quest's run_data"
        return suggestion(name, names, kind="outputs") if names else "no step has an output yet"

    def _known(self, name: str) -> Any:
        if self._all is not None:
            return run_data.find(self._all, name)
        if name not in self._read:
            self._read[name] = self._find(name)
        return self._read[name]

    def _find(self, name: str) -> Any:
        text = self._repository.output(*self._at, name)
        if text is not None:
            return decode(text)
        if self._inherited is None:
            self._inherited = self._repository.inherited(*self._at)
        return run_data.find(self._inherited, name)

    def all(self, lord_name: str) -> list[Any]:
        """Return every output of one Lord, in the order in which its steps ran; empty where it has none.

        Parameters:
          lord_name: the Lord.
        """
        if self._all is None:
            return self._repository.outputs_of(*self._at, lord_name)
        return [one.output for one in run_data.outputs_of(self._all, lord_name)]

    def _everything(self) -> dict[str, Any]:
        if self._all is None:
            self._all = self._repository.outputs_at(*self._at)
        return self._all

    def __iter__(self) -> Iterator[str]:
        return run_data.each(self._everything())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Outputs({', '.join(self)})"
