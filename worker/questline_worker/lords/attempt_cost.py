"""What one attempt of a step spends, added up by model."""

from __future__ import annotations

import math
import threading

from questline_persistence.costs import Cost

#: Longest name of a model, in characters.
MAX_MODEL = 100
#: Most models that one attempt tells apart; what is spent on further ones counts as spent on none by name.
MAX_MODELS = 20
#: Most tokens, and most US dollars, of one word of `ctx.cost`.
MAX_TOKENS, MAX_USD = 10**12, 1e9


class AttemptCost:
    """Adds up what one attempt spends; it may be told by several threads."""

    def __init__(self) -> None:
        self._by_model: dict[str, Cost] = {}
        self._lock = threading.Lock()

    def add(self, model: str, input_tokens: int, output_tokens: int, usd: float) -> None:
        """Add what was spent.

        Raises:
          ValueError: a number is negative, or none.
        """
        for name, tokens in (("input_tokens", input_tokens), ("output_tokens", output_tokens)):
            if type(tokens) is not int or not 0 <= tokens <= MAX_TOKENS:
                raise ValueError(f"{name} must be a whole number of 0 to {MAX_TOKENS:,}, not {tokens!r:.60}")
        price = float(usd)
        if not (math.isfinite(price) and 0.0 <= price <= MAX_USD):
            raise ValueError(f"usd must be 0 to {MAX_USD:,.0f}, not {usd!r:.60}")
        name = str(model or "")[:MAX_MODEL].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
        with self._lock:
            if name not in self._by_model and len(self._by_model) >= MAX_MODELS:
                name = ""
            self._by_model[name] = self._by_model.get(name, Cost()) + Cost(input_tokens, output_tokens, price)

    @property
    def by_model(self) -> dict[str, Cost]:
        """How much was spent on each model."""
        with self._lock:
            return dict(self._by_model)
