"""How much something has cost: tokens in, tokens out, and money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from questline_persistence.claims import Claim


@dataclass(frozen=True, slots=True)
class Cost:
    """How much something has cost.

    Parameters:
      input_tokens: the tokens that a model was given.
      output_tokens: the tokens that it has made.
      usd: the price in US dollars.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, self.usd + other.usd
        )

    def __sub__(self, other: Cost) -> Cost:
        return Cost(
            self.input_tokens - other.input_tokens, self.output_tokens - other.output_tokens, self.usd - other.usd
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one attempt has spent so far.

    Parameters:
      claim: the hold on the step.
      by_model: how much, by the model that it was spent on; "" where that was not told.
      goes_on: whether the quest goes on behind this attempt; None where its steps tell.
    """

    claim: Claim
    by_model: Mapping[str, Cost] = field(default_factory=dict)
    goes_on: bool | None = None
