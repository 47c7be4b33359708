"""The ten patterns of a state store, on each kind of store."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from examples import seed_001
from questline.memory import StateStore

EXAMPLE = Path(seed_001.__file__)


@pytest.fixture
def played(database_url: str) -> dict[str, Any]:
    """What came of each pattern, by its name."""
    patterns: list[Callable[[StateStore], Awaitable[Any]]] = [
        *(seed_001.save_and_load, seed_001.list_agents, seed_001.track_transitions, seed_001.snapshot_and_restore),
        *(seed_001.log_events, seed_001.manage_tasks, seed_001.work_at_once, seed_001.save_all_or_none),
        seed_001.verify_migrations,
    ]

    async def main() -> dict[str, Any]:
        async with StateStore(database_url, key_prefix="team-a") as store:
            return {pattern.__name__: await pattern(store) for pattern in patterns}

    return asyncio.run(main())


def test_each_pattern_does_what_it_says(played: dict[str, Any]) -> None:
    assert (played["save_and_load"].version, played["save_and_load"].status) == (2, "idle")
    assert played["list_agents"] == ["writer"]
    assert played["track_transitions"] == ["planning -> acting: a plan", "idle -> planning: a goal"]
    restored = played["snapshot_and_restore"]
    assert (restored.version, restored.state_data) == (4, played["save_and_load"].state_data)
    assert played["log_events"] == ["Fix the login form"]
    assert played["manage_tasks"] == ["Write the tests: in_progress"]
    assert played["work_at_once"] == 10
    assert played["save_all_or_none"] == ["4", "4"]
    assert [name for name in played["verify_migrations"] if "_" in name and " " not in name] == [
        *("agent_states", "state_transitions", "state_snapshots")
    ]


@pytest.mark.timeout(120)
def test_the_example_runs_and_tells_what_it_did(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=110
    )

    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    assert "counted to 10" in told
    assert any(line.startswith("nothing was saved: cannot save agent states: agent writer") for line in told)
    assert list(tmp_path.iterdir()) == []
