"""What a workload found: figures, and how they compare with the bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.harness.statistics import Sample


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, in the words of the report."""

    name: str
    unit: str
    sample: Sample
    #: How the measured system was set up, where that is not obvious.
    setup: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the figure as JSON data."""
        found = {"median": self.sample.median, "spread": self.sample.spread, "values": list(self.sample.values)}
        return {"name": self.name, "unit": self.unit, **found, "setup": self.setup}


@dataclass(frozen=True, slots=True)
class Bar:
    """What was asked for, and what came of it."""

    text: str
    sample: Sample
    limit: float
    side: Literal["at least", "at most"]

    @property
    def met(self) -> bool:
        """Whether the median is on the right side of the limit."""
        value = self.sample.median
        return value >= self.limit if self.side == "at least" else value <= self.limit

    def plain(self) -> dict[str, Any]:
        """Return the bar as JSON data."""
        found = {"median": self.sample.median, "values": list(self.sample.values), "met": self.met}
        return {"text": self.text, "side": self.side, "limit": self.limit, **found}


@dataclass(slots=True)
class Result:
    """All that one workload found."""

    key: str
    title: str
    size: str
    figures: list[Figure] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return {
            "key": self.key,
            "title": self.title,
            "size": self.size,
            "figures": [figure.plain() for figure in self.figures],
            "bars": [bar.plain() for bar in self.bars],
            "notes": list(self.notes),
        }
