from prometheus_client import REGISTRY, Counter
from prometheus_client.parser import text_string_to_metric_families

from questline_scheduler.monitoring import METRICS, QUESTS, RECOVERED, STEP_SECONDS, STEPS, Kind, Tally
from questline_scheduler.monitoring.exposition import page_of
from questline_scheduler.monitoring.metrics import QUEUE_DEPTH
from questline_scheduler.monitoring.tally import Sample


def test_every_metric_is_told_of_with_its_name_kind_and_meaning() -> None:
    page, content_type = page_of([])
    assert content_type.startswith("text/plain")
    for metric in METRICS:
        assert f"# TYPE {metric.name} {metric.kind}" in page.decode()
        assert f"# HELP {metric.name} {metric.meaning}" in page.decode()


def test_the_names_are_those_that_dashboards_rely_on() -> None:
    assert {metric.name: metric.labels for metric in METRICS if metric.kind is not Kind.HISTOGRAM} == {
        "quest_quests_total": ("type", "status"),
        "quest_steps_total": ("lord", "tool", "status"),
        "quest_step_retries_total": ("lord", "tool"),
        "quest_cost_usd_total": ("lord", "tool"),
        "quest_cost_tokens_total": ("lord", "tool", "direction"),
        "quest_queue_depth": ("queue",),
        "quest_queue_oldest_seconds": ("queue",),
        "quest_running": (),
        "quest_workers": (),
        "quest_recovered_total": (),
        "quest_build_info": ("version", "python", "code_version"),
    }
    assert {metric.name for metric in METRICS if metric.kind is Kind.HISTOGRAM} == {
        "quest_step_duration_seconds",
        "quest_checkpoint_seconds",
    }


def test_prometheus_reads_what_was_counted_whatever_the_names_hold() -> None:
    tally = Tally()
    odd = 'a"b\\c\nd'
    tally.count(STEPS, odd, "work", "success", by=2)
    tally.count(QUESTS, "nightly", "failed")
    tally.observe(STEP_SECONDS, 0.3, odd, "work")
    page, _ = page_of([*tally.samples(), Sample(QUEUE_DEPTH, ("default",), (7,))])
    order = ("lord", "tool", "type", "queue", "status", "le")
    found = {
        (sample.name, *(sample.labels[name] for name in order if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }
    assert found["quest_steps_total", odd, "work", "success"] == 2
    assert found["quest_quests_total", "nightly", "failed"] == 1
    assert found["quest_queue_depth", "default"] == 7
    assert found["quest_step_duration_seconds_bucket", odd, "work", "0.25"] == 0
    assert found["quest_step_duration_seconds_bucket", odd, "work", "0.5"] == 1
    assert found["quest_step_duration_seconds_bucket", odd, "work", "+Inf"] == 1
    assert found["quest_step_duration_seconds_count", odd, "work"] == 1
    assert found["quest_step_duration_seconds_sum", odd, "work"] == 0.3


def test_a_reader_of_openmetrics_gets_that() -> None:
    page, content_type = page_of(Tally().samples(), "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")


def test_what_else_a_process_registers_under_our_names_does_not_clash() -> None:
    theirs = Counter(RECOVERED.name, "somebody else's")
    try:
        page_of(Tally().samples())
        page_of(Tally().samples())
    finally:
        REGISTRY.unregister(theirs)
