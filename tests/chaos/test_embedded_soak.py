"""The embedded soak: nothing that anybody was told is in the SQLite file gets lost, whoever shares it and is killed."""

import os
from pathlib import Path

import pytest

from tests.chaos.embedded.soak import PRODUCERS, Parameters, soak
from tests.chaos.parameters import _number, _seed


@pytest.mark.timeout(420)
@pytest.mark.parametrize("broker", ["memory", "redis"])
def test_nothing_is_lost_or_doubled_in_a_shared_file(
    tmp_path: Path, request: pytest.FixtureRequest, broker: str
) -> None:
    _judge(Parameters(_seed(), 40, 12, 12.0), tmp_path, request, broker)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("broker", ["memory", "redis"])
def test_nothing_is_lost_or_doubled_in_a_file_that_is_shared_for_long(
    tmp_path: Path, request: pytest.FixtureRequest, broker: str
) -> None:
    minutes = float(os.environ.get("QUESTLINE_SOAK_EMBEDDED_MINUTES", "5"))
    _judge(
        Parameters(_seed(), _number("EMBEDDED_QUESTS", 1_000), int(minutes * 60), minutes * 60),
        tmp_path,
        request,
        broker,
    )


def _judge(parameters: Parameters, folder: Path, request: pytest.FixtureRequest, broker: str) -> None:
    broker_url = "memory://" if broker == "memory" else request.getfixturevalue("redis_url")
    outcome = soak(parameters, folder / "soak", broker_url)

    assert outcome.violations == [], outcome.summary()
    assert outcome.integrity == "ok"
    assert len(outcome.history.plans) == len(PRODUCERS) * parameters.quests
    assert len(outcome.killed) == parameters.kills
