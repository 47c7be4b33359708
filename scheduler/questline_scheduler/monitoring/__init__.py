"""What those who watch a process see of it: metrics, whether it is alive and ready, and the server that tells.

It imports `doorbells` and persistence. The gateway answers with the same `Probes`; the server is for workers and
schedulers, and is not handed on: only those that have a port pay for HTTP.
"""

from questline_scheduler.monitoring.gauges import Gauges
from questline_scheduler.monitoring.metrics import (
    CHECKPOINT_SECONDS,
    COST_TOKENS,
    COST_USD,
    METRICS,
    OTHER,
    QUESTS,
    RECOVERED,
    RETRIES,
    STEP_SECONDS,
    STEPS,
    Kind,
    Metric,
)
from questline_scheduler.monitoring.probes import PATHS, ProbeAnswer, Probes, versions
from questline_scheduler.monitoring.readiness import Look, Readiness
from questline_scheduler.monitoring.serving import open_health_server, probes_of
from questline_scheduler.monitoring.tally import Tally

__all__ = [
    "CHECKPOINT_SECONDS",
    "COST_TOKENS",
    "COST_USD",
    "METRICS",
    "OTHER",
    "PATHS",
    "QUESTS",
    "RECOVERED",
    "RETRIES",
    "STEPS",
    "STEP_SECONDS",
    "Gauges",
    "Kind",
    "Look",
    "Metric",
    "ProbeAnswer",
    "Probes",
    "Readiness",
    "Tally",
    "open_health_server",
    "probes_of",
    "versions",
]
