"""The reference of metrics, written from their catalogue."""

from __future__ import annotations

from tables import table

from questline_scheduler.monitoring import METRICS


def metrics_part() -> str:
    """Return the table of all metrics."""
    rows = [
        (f"`{metric.name}`", str(metric.kind), ", ".join(f"`{label}`" for label in metric.labels), metric.meaning)
        for metric in METRICS
    ]
    return table(("metric", "kind", "labels", "meaning"), rows)
