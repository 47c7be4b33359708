"""A benchmark whose work was not done must fail, whatever its speed."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.harness.pool import ROOT
from benchmarks.harness.store import Store
from benchmarks.harness.verification import LostWork, verify

QUESTS, STEPS = 3, 4


@dataclass(frozen=True)
class Finished:
    """A file with quests that a real worker has run."""

    path: Path
    quest_ids: list[str]


@pytest.fixture(scope="module")
def finished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    path = shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("finished") / "questline.db")
    words = [sys.executable, "-m", "benchmarks.embedded", f"sqlite:///{path}", str(QUESTS), str(STEPS)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return Finished(path, json.loads(done.stdout)["quest_ids"])


@pytest.fixture
def quest_ids(finished: Finished) -> list[str]:
    return finished.quest_ids


@pytest.fixture
def store(finished: Finished, tmp_path: Path) -> Store:
    return Store(f"sqlite:///{shutil.copyfile(finished.path, tmp_path / 'copy.db')}", "memory://", tmp_path)


def test_work_that_is_whole_is_counted(store: Store, quest_ids: list[str]) -> None:
    assert verify(store, quest_ids, STEPS).steps == QUESTS * STEPS


@pytest.mark.parametrize(
    ("loss", "complaint"),
    [
        ("UPDATE quest_executions SET status = 'running'", "2 completed quests instead of 3"),
        ("DELETE FROM lord_runs", "8 attempts instead of 12; 8 steps that succeeded exactly once instead of 12"),
        ("UPDATE lord_runs SET status = 'error'", "8 steps that succeeded exactly once instead of 12"),
        ("DELETE FROM quest_snapshots", "10 snapshots instead of 15; 2 quests whose last snapshot says so"),
    ],
)
def test_a_faked_loss_is_found(store: Store, quest_ids: list[str], loss: str, complaint: str) -> None:
    database = store.database()
    database.write(lambda own: own.exec_driver_sql(f"{loss} WHERE quest_id = :id", {"id": quest_ids[0]}))
    database.close()

    with pytest.raises(LostWork, match=complaint):
        verify(store, quest_ids, STEPS)


def test_a_quest_that_never_was_is_missed(store: Store, quest_ids: list[str]) -> None:
    with pytest.raises(LostWork, match="3 completed quests instead of 4"):
        verify(store, [*quest_ids, "never"], STEPS)
