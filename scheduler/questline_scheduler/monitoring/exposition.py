"""Samples as Prometheus reads them. It needs `prometheus-client`, of the extra `questline[metrics]`.

Each page has a registry of its own, so that nothing clashes with what else a process registers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from questline_scheduler.monitoring.metrics import METRICS, Kind
from questline_scheduler.monitoring.tally import Sample

if TYPE_CHECKING:
    from prometheus_client import Metric as Family


class _Collected:
    """What Prometheus' library asks for its metrics."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = [*samples]

    def collect(self) -> Iterator[Family]:
        """Yield each metric with its samples, in the order of the catalogue."""
        from prometheus_client.core import (  # noqa: PLC0415  (an extra, for which only those who ask for metrics pay)
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for metric in METRICS:
            samples = [sample for sample in self._samples if sample.metric is metric]
            if metric.kind is Kind.HISTOGRAM:
                histogram = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
                bounds = [*map(str, metric.buckets), "+Inf"]
                for sample in samples:
                    *counts, total = sample.numbers
                    histogram.add_metric(sample.labels, [*zip(bounds, accumulate(counts), strict=True)], total)
                yield histogram
            else:
                kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
                family = kind(metric.name, metric.meaning, labels=metric.labels)
                for sample in samples:
                    family.add_metric(sample.labels, sample.numbers[0])
                yield family


def page_of(samples: Iterable[Sample], accept: str = "") -> tuple[bytes, str]:
    """Return samples as a page, with its content type.

    Parameters:
      samples: the samples.
      accept: which formats the reader accepts, as in HTTP's header.

    Raises:
      ImportError: `prometheus-client` is not installed.
    """
    from prometheus_client import CollectorRegistry  # noqa: PLC0415  (as above)
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(samples))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
