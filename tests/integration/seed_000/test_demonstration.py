"""The demonstration of persistence plays its six scenes and leaves its database behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from questline import QuestRepository

DEMO = Path(__file__).parents[3] / "examples" / "persistence_demo.py"
SCENES = (
    "Scene 1: Execution, saved after each step",
    "Scene 2: Snapshots",
    "Scene 3: Pause and resume",
    "Scene 4: History and statistics",
    "Scene 5: Lords",
    "Scene 6: Filters and pages",
)


@pytest.mark.parametrize("arguments", [[], ["elsewhere.db"]], ids=["in the working directory", "at a path"])
def test_the_demonstration_plays_six_scenes_and_leaves_its_database(tmp_path: Path, arguments: list[str]) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUESTLINE_")}

    done = subprocess.run(
        [sys.executable, DEMO, *arguments],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("Scene")] == list(SCENES)
    assert "paused: 1 steps done, 2 to come" in done.stdout
    assert "no step ran twice: 3 runs" in done.stdout
    assert "by cursor, to the end: pages of 10, 10, 6" in done.stdout
    with QuestRepository(tmp_path / (arguments[0] if arguments else "demo_quests.db")) as repo:
        stats = repo.get_quest_stats()
        assert (stats["total_quests"], stats["completed"], stats["failed"]) == (26, 23, 3)
        assert [row["lord_name"] for row in repo.get_lord_stats()] == ["architect", "forge_master", "sentinel"]
