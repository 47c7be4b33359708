"""Medians and spreads of few runs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure, measured in several runs."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value, the one to quote."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """How far the values lie apart, as a share of their median."""
        return (max(self.values) - min(self.values)) / abs(self.median) if self.median else 0.0


def sample(values: Sequence[float]) -> Sample:
    """Return the values as a sample."""
    return Sample(tuple(float(value) for value in values))


def ratios(over: Sample, under: Sample) -> Sample:
    """Return the ratio of two figures run by run: runs side by side have met the same noise."""
    return Sample(tuple(one / other for one, other in zip(over.values, under.values, strict=True)))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
