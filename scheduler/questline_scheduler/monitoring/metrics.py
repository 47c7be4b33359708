"""The metrics: their names, what they count, and by which labels. Nothing else may be shown under `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Most different values that one user-made label, or a pair of them, takes in a process; what comes later is `other`.
MAX_NAMES = 200
#: What stands in the place of the names beyond that.
OTHER = "other"


class Kind(StrEnum):
    """What kind of number a metric is, in Prometheus' words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Parameters:
      name: what Prometheus calls it.
      kind: what kind of number it is.
      meaning: what it counts, in a sentence.
      names: its labels whose values users make up.
      states: its labels of which there are a handful of values; they come after the others.
      buckets: the upper bounds of a histogram's buckets, in seconds.
    """

    name: str
    kind: Kind
    meaning: str
    names: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All its labels, in order."""
        return (*self.names, *self.states)


_LORD = ("lord", "tool")

QUESTS = Metric(
    "quest_quests_total",
    Kind.COUNTER,
    "Quests that the end of a step brought to another status, counted by the process that ran the step. "
    "A quest that fails since its workers died is of type `other`.",
    names=("type",),
    states=("status",),
)
STEPS = Metric(
    "quest_steps_total",
    Kind.COUNTER,
    "Attempts of steps that have ended, by how: `success`, `failed` (no attempt is left), `retried`, `snoozed`, "
    "`returned` (stopped with its worker; it runs again) or `dropped` (its claim was lost).",
    names=_LORD,
    states=("status",),
)
STEP_SECONDS = Metric(
    "quest_step_duration_seconds",
    Kind.HISTOGRAM,
    "How long attempts of steps took, from the claim to the end of the handler.",
    names=_LORD,
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
)
RETRIES = Metric("quest_step_retries_total", Kind.COUNTER, "Failed attempts that are followed by another.", names=_LORD)
CHECKPOINT_SECONDS = Metric(
    "quest_checkpoint_seconds",
    Kind.HISTOGRAM,
    "How long it took to commit the end of a step, once its handler was done.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
COST_USD = Metric(
    "quest_cost_usd_total",
    Kind.COUNTER,
    "US dollars that ended attempts have told `ctx.cost` of.",
    names=_LORD,
)
COST_TOKENS = Metric(
    "quest_cost_tokens_total",
    Kind.COUNTER,
    "Tokens that ended attempts have told `ctx.cost` of: given to a model (`input`), or made by it (`output`).",
    names=_LORD,
    states=("direction",),
)
RECOVERED = Metric(
    "quest_recovered_total",
    Kind.COUNTER,
    "Steps that were taken from lost workers, or from attempts that timed out, by the process that did so.",
)
QUEUE_DEPTH = Metric(
    "quest_queue_depth", Kind.GAUGE, "Steps that may run and wait for a worker; counting ends at 20,000.", ("queue",)
)
QUEUE_OLDEST = Metric(
    "quest_queue_oldest_seconds", Kind.GAUGE, "How long the eldest of these steps has waited.", ("queue",)
)
RUNNING = Metric("quest_running", Kind.GAUGE, "Steps that workers run now; counting ends at 20,000.")
WORKERS = Metric("quest_workers", Kind.GAUGE, "Worker processes that are alive.")
BUILD = Metric(
    "quest_build_info", Kind.GAUGE, "Always 1; the labels tell what runs.", states=("version", "python", "code_version")
)

#: All of them, in the order in which they are shown.
METRICS = (
    *(QUESTS, STEPS, STEP_SECONDS, RETRIES, CHECKPOINT_SECONDS, COST_USD, COST_TOKENS, RECOVERED),
    *(QUEUE_DEPTH, QUEUE_OLDEST, RUNNING, WORKERS, BUILD),
)
#: Those that count what processes did; the others are read from the store.
COUNTED = tuple(metric for metric in METRICS if metric.kind is not Kind.GAUGE)
