"""The command line in this process, on a store of its own."""

import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from questline.cli import main
from questline_scheduler.client import QuestClient
from tests.contract.quests import Workbench

QUEST = {
    "quest_type": "design_microservice",
    "input_data": {"service": "billing"},
    "execution_stack": [
        {"lord_name": "architect", "tool_name": "design_system"},
        {"lord_name": "builder", "tool_name": "build", "params": {"fast": True}},
    ],
    "labels": {"team": "a"},
}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error object on stdout."""
        return self.data["error"]


class CommandLine:
    """Runs commands in this process, in a folder with a store of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.database = folder / ".questline" / "questline.db"
        self._capture = capture

    def __call__(self, *arguments: object) -> Ran:
        self._capture.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capture.readouterr()
        return Ran(int(code), captured.out, captured.err)

    def json(self, *arguments: object) -> Any:
        """Return the JSON that a command prints; it must succeed."""
        ran = self(*arguments, "-o", "json")
        assert ran.code == 0, ran
        return ran.data

    def submit(self, quest_id: str, **changes: Any) -> str:
        """Submit a quest without a process, and return its id."""
        with QuestClient(f"sqlite:///{self.database}", "memory://") as client:
            return client.submit({**QUEST, "quest_id": quest_id, **changes}).quest_id

    def file(self, name: str, content: str | dict[str, Any]) -> Path:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def rows(self) -> dict[str, Sequence[Any]]:
        """Return every row of every table of the store."""
        with closing(sqlite3.connect(self.database)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in tables}


@pytest.fixture
def cli(
    tmp_path: Path,
    sqlite_template: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    """The command line in an empty folder, whose default store has the newest schema and no rows."""
    for name in [*os.environ]:
        if name.startswith("QUESTLINE_") or name in {"DATABASE_URL", "REDIS_URL", "COLUMNS", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".questline").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / ".questline" / "questline.db")
    return CommandLine(tmp_path, capsys)


@pytest.fixture
def bench(cli: CommandLine) -> Iterator[Workbench]:
    """The store of the command line, and a clock that stands still."""
    bench = Workbench(f"sqlite:///{cli.database}")
    yield bench
    bench.check()
    bench.close()


@pytest.fixture(autouse=True)
def root_logging() -> Iterator[None]:
    """Put back how this process logs: commands write to a stderr that the test's end closes."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
