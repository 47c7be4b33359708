"""The console script in a folder of its own, as a process: most calls go to one that is warm."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.warm import SETTINGS
from tests.servers.signals import answer_to_ctrl_c

#: The installed console script, beside the interpreter that runs the tests.
SCRIPT = Path(sys.executable).with_name("questline")
#: Beginnings of variables' names that an interpreter reads when it starts: a warm one would not see them.
AT_START = ("PYTHON", "LC_", "LANG")
#: How long one command may take, in seconds.
TIMEOUT = 30.0

QUEST = {
    "quest_type": "design_microservice",
    "input_data": {"service": "billing"},
    "execution_stack": [
        {"lord_name": "architect", "tool_name": "design_system"},
        {"lord_name": "builder", "tool_name": "build"},
    ],
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)


class Shell:
    """A folder, and an environment without settings, to run `questline` in.

    Parameters:
      folder: the working directory.
      warm: the program that plain calls run; the others, and what is started, run the installed script.
    """

    def __init__(self, folder: Path, warm: Path) -> None:
        self.folder = folder
        self.warm = warm
        self.database = folder / ".questline" / "questline.db"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        (folder / "quest.json").write_text(json.dumps(QUEST))

    def __call__(
        self, *arguments: object, program: Sequence[object] = (), stdin: str | bytes = b"", **environment: str
    ) -> Ended:
        """Run one command and return how it ended.

        Parameters:
          arguments: its words.
          program: what runs it instead of `questline`.
          stdin: what it can read.
          environment: variables beside those of the shell.
        """
        if not program:
            program = (SCRIPT if any(name.startswith(AT_START) for name in environment) else self.warm,)
        ended = subprocess.run(
            [str(word) for word in (*program, *arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment | environment,
            timeout=TIMEOUT,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one command and return its process, which is ended with the test."""
        process = subprocess.Popen(
            [SCRIPT, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment | environment,
            preexec_fn=answer_to_ctrl_c,  # noqa: PLW1509  it only makes a system call
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End what still runs."""
        for process in self.processes:
            process.kill()
            process.communicate()

    def rows(self) -> dict[str, Sequence[Any]]:
        """Return every row of every table of the default store."""
        with closing(sqlite3.connect(self.database)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in tables}


@pytest.fixture
def empty_shell(tmp_path: Path, programs: Path) -> Iterator[Shell]:
    """A folder without a store."""
    shell = Shell(tmp_path, programs / "questline")
    yield shell
    shell.close()


@pytest.fixture
def shell(empty_shell: Shell, tmp_path: Path, sqlite_template: Path) -> Shell:
    """A folder whose default store has the newest schema and no rows."""
    (tmp_path / ".questline").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / ".questline" / "questline.db")
    return empty_shell
