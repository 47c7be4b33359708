"""What `deploy` brings for Prometheus, Grafana and systemd can be read, and names what exists."""

import json
import re
import shlex
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from questline.cli.app import app
from questline.cli.exit_codes import ExitCode
from questline_persistence.settings import documented
from questline_scheduler.monitoring import METRICS, Kind
from tests.acceptance.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/questline.json").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def series() -> set[str]:
    """Return the names under which Prometheus keeps the metrics."""
    return {
        f"{metric.name}{suffix}"
        for metric in METRICS
        for suffix in (("_bucket", "_count", "_sum") if metric.kind is Kind.HISTOGRAM else ("",))
    }


def alerts() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])


def test_queries_name_only_metrics_and_labels_that_exist() -> None:
    labels = {"le", *(label for metric in METRICS for label in metric.labels)}
    for query in queries():
        assert set(re.findall(r"\bquest_\w+", query)) <= series(), query
        named = {name.strip() for names in re.findall(r"by \(([^)]*)\)", query) for name in names.split(",")}
        matched = {
            name for matchers in re.findall(r"\{([^}]*)\}", query) for name in re.findall(r"(\w+)[=!]", matchers)
        }
        assert named | matched <= labels, query
        assert query.count("(") == query.count(")"), query


def test_every_metric_is_shown_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    assert [metric.name for metric in METRICS if metric.name not in shown] == []


def test_gauges_that_every_process_tells_alike_are_not_added_up() -> None:
    alike = "|".join(
        metric.name for metric in METRICS if metric.kind is Kind.GAUGE and metric.name != "quest_build_info"
    )
    for query in queries():
        assert not re.search(rf"(sum|avg|count)( by \([^)]*\))? ?\((?:{alike})\b", query), query


def test_each_alert_says_what_to_do_and_is_explained() -> None:
    page = (ROOT / "docs/how-to/gateway/alerts.md").read_text()
    explained = set(re.findall(r"^\| `(Questline\w+)`", page, re.MULTILINE))
    assert {alert["alert"] for alert in alerts()} == explained
    for alert in alerts():
        assert alert["annotations"]["summary"]
        assert "`questline " in alert["annotations"]["action"] or alert["alert"] == "QuestlineCommitsSlow"
        for command in re.findall(r"`questline ([^`]*)`", alert["annotations"]["action"]):
            assert typer.main.get_command(app).commands[command.split()[0]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yml")), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_configuration_can_be_read(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_and_gives_up_where_starting_again_is_no_use(path: Path) -> None:
    parser = RawConfigParser(strict=False)  # a setting may stand there several times
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys as they are written
    parser.read_string(path.read_text())
    unit = parser["Service"]
    program, command = shlex.split(unit["ExecStart"])
    assert program.endswith("/questline")
    assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]
    given_up = {int(code) for code in unit["RestartPreventExitStatus"].split()}
    assert given_up == {ExitCode.USAGE, ExitCode.CONFIGURATION}
    shutdown = next(float(default) for name, default, _ in documented() if name == "QUESTLINE_SHUTDOWN_SECONDS")
    assert float(unit["TimeoutStopSec"]) >= shutdown + 10


def test_prometheus_scrapes_the_services_of_compose_on_the_port_that_they_are_given() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    (discovery,) = config["scrape_configs"][0]["dns_sd_configs"]
    for name in discovery["names"]:
        service = COMPOSE["services"][name]
        assert int(service["environment"]["QUESTLINE_HEALTH_PORT"]) == discovery["port"]
        assert service["healthcheck"]["test"][1:3] == ["questline", "health"]
    assert all((DEPLOY / "prometheus" / file).is_file() for file in config["rule_files"])


def test_what_is_mounted_into_the_containers_that_watch_exists() -> None:
    for name in ("prometheus", "grafana"):
        service = COMPOSE["services"][name]
        assert service["profiles"] == ["obs"]
        assert "healthcheck" in service
        sources = [volume.partition(":")[0] for volume in service["volumes"]]
        assert all((ROOT / source).is_dir() for source in sources if source.startswith("./"))
