"""Earlier outputs as a mapping that reads only what is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from questline_persistence.claims import Claim
from questline_persistence.payload import decode
from questline_persistence.repository import QuestRepository


class Outputs(Mapping[str, Any]):
    """The outputs that a quest had when a step of it was claimed: Lord name → latest output.

    `outputs["architect"]` reads that one output; iterating reads all of them. `name#2` is the second
    step of a Lord.
    """

    def __init__(self, repository: QuestRepository, claim: Claim) -> None:
        self._repository = repository
        self._at = (claim.quest_id, claim.epoch, claim.version)
        self._read: dict[str, Any] = {}
        self._inherited: dict[str, Any] | None = None
        self._all: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        if self._all is not None:
            return self._all[name]
        if name not in self._read:
            self._read[name] = self._find(name)
        return self._read[name]

    def _find(self, name: str) -> Any:
        text = self._repository.output(*self._at, name)
        if text is not None:
            return decode(text)
        if self._inherited is None:
            self._inherited = self._repository.inherited(*self._at)
        return self._inherited[name]

    def _everything(self) -> dict[str, Any]:
        if self._all is None:
            self._all = self._repository.outputs_at(*self._at)
        return self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._everything())

    def __len__(self) -> int:
        return len(self._everything())

    def __repr__(self) -> str:
        return f"Outputs({', '.join(self)})"
