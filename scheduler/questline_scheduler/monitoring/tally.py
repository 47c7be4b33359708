"""Counts of what processes did, kept in a few dictionaries: no library, and no more than a microsecond for a count."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from questline_scheduler.monitoring.metrics import COUNTED, MAX_NAMES, OTHER, Kind, Metric

_BY_NAME = {metric.name: metric for metric in COUNTED}


@dataclass(frozen=True, slots=True)
class Sample:
    """What was counted of one metric under one set of labels.

    Parameters:
      metric: the metric.
      labels: the values of its labels, in their order.
      numbers: a counter's number; of a histogram, how many fell into each bucket, those above all of them, and the sum.
    """

    metric: Metric
    labels: tuple[str, ...]
    numbers: tuple[float, ...]


class Tally:
    """What one process did, or several together; any thread may count.

    It keeps at most `MAX_NAMES` different Lords, and so many quest types: what comes later counts as `other`.
    """

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._numbers: dict[tuple[str, tuple[str, ...]], list[float]] = {}
        self._known: dict[tuple[str, ...], set[tuple[str, ...]]] = {}

    def count(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Add to a counter.

        Parameters:
          metric: the counter.
          labels: the values of its labels, in their order.
          by: how much to add; nothing begins to be shown for 0.
        """
        if by:
            with self._counting:
                self._of(metric, labels)[0] += by

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Add a length of time to a histogram.

        Parameters:
          metric: the histogram.
          seconds: the time.
          labels: the values of its labels, in their order.
        """
        with self._counting:
            numbers = self._of(metric, labels)
            numbers[bisect_left(metric.buckets, seconds)] += 1
            numbers[-1] += seconds

    def take(self) -> str:
        """Return what was counted since the last call, for `add` of another process's tally, and forget it."""
        with self._counting:
            taken, self._numbers = self._numbers, {}
        return json.dumps([(name, labels, numbers) for (name, labels), numbers in taken.items()])

    def add(self, taken: str) -> None:
        """Add what another process has counted.

        Parameters:
          taken: what its `take` returned.
        """
        for name, labels, numbers in json.loads(taken):
            with self._counting:
                own = self._of(_BY_NAME[name], tuple(labels))
                own[:] = [one + more for one, more in zip(own, numbers, strict=True)]

    def samples(self) -> Iterator[Sample]:
        """Yield what was counted, and zero for what has no labels and never happened."""
        with self._counting:
            numbers = {key: tuple(values) for key, values in self._numbers.items()}
        for metric in COUNTED:
            if not metric.labels:
                numbers.setdefault((metric.name, ()), tuple(_zero(metric)))
        for (name, labels), values in numbers.items():
            yield Sample(_BY_NAME[name], labels, values)

    def _of(self, metric: Metric, labels: tuple[str, ...]) -> list[float]:
        """Return the numbers under these labels, to be changed."""
        found = self._numbers.get((metric.name, labels))
        if found is None:
            key = metric.name, self._bounded(metric, labels)
            found = self._numbers.setdefault(key, _zero(metric))
        return found

    def _bounded(self, metric: Metric, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the labels, with `other` in place of the names if there are too many of these."""
        names, states = tuple(labels[: len(metric.names)]), tuple(labels[len(metric.names) :])
        known = self._known.setdefault(metric.names, set())
        if names not in known and len(known) >= MAX_NAMES:
            names = (OTHER,) * len(names)
        else:
            known.add(names)
        return (*names, *states)


def _zero(metric: Metric) -> list[float]:
    return [0.0] * (len(metric.buckets) + 2 if metric.kind is Kind.HISTOGRAM else 1)
