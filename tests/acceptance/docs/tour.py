"""Runs a page as its reader would: block by block, in one folder.

`python file=NAME` is saved under that name, `sh` is run, and `sh background` runs beside the blocks after it, as in
another terminal. In a `console`, the lines that begin with "$ " are run and have to print the others: "…" stands for
any text in a line, and alone for any lines. A block marked `text`, or as configuration, is only shown.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.docs.pages import Block, blocks
from tests.servers.signals import answer_to_ctrl_c

#: Longest that one block may take, in seconds: half a dozen commands, each of which starts slowly on a busy machine.
PATIENCE = 150
BASH = shutil.which("bash") or "bash"


def tour(page: Path) -> list[Block]:
    """Return the blocks of a page that are saved or run."""
    return [block for block in blocks(page) if _is_played(block)]


def only_shown(page: Path) -> list[Block]:
    """Return the other blocks of a page."""
    return [block for block in blocks(page) if not _is_played(block)]


def _is_played(block: Block) -> bool:
    script = block.language == "sh" and block.info in {"", "background"}
    return block.file is not None or block.language == "console" or script


def is_like(shown: str, printed: str) -> bool:
    """Return whether a console printed what is shown; spaces may be more or fewer, and empty lines do not count."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in _dense(shown)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _dense(printed))) is not None


def _dense(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Player:
    """Plays the tours of pages in a folder.

    Parameters:
      folder: where files are saved and commands run.
      variables: what the environment has beside what a user's shell would have.
      programs: a folder of programs that stand for those of the same names, except in the background.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    programs: Path | None = None

    def play(self, tour: Sequence[Block]) -> str:
        """Save the files, start what runs in the background, run the rest in order; return what was printed."""
        printed = ""
        for number, block in enumerate(tour):
            if block.file is not None:
                (self.folder / block.file).write_text(block.text)
            elif block.info == "background":
                with self._background(block.text):
                    return printed + self.play(tour[number + 1 :])
            elif block.language == "console":
                printed += self._console(block)
            else:
                printed += self._shell(block.text)
        return printed

    def _console(self, block: Block) -> str:
        """Run the commands of a session, and compare what they print."""
        printed = self._shell(block.typed)
        assert is_like(block.shown, printed), f"{block.typed}\nExpected:\n{block.shown}\nGot:\n{printed}"
        return printed

    def _shell(self, text: str) -> str:
        """Run a script that stops at its first failure; return what it printed."""
        done = subprocess.run(
            [BASH, "-eu", "-o", "pipefail", "-c", text],
            cwd=self.folder,
            env=self._environment(self.programs),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def _background(self, text: str) -> Iterator[None]:
        """Run a block in the background, as in another terminal, and end it with Ctrl-C."""
        path = self.folder / f"background-{len(list(self.folder.glob('background-*.log')))}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [BASH, "-c", f"exec {text}"],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=answer_to_ctrl_c,  # noqa: PLW1509  it only makes a system call
            )
        try:
            yield
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(PATIENCE) == 0, path.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)

    def _environment(self, *programs: Path | None) -> dict[str, str]:
        """Return what a user's shell would have: the environment of the tests without their settings and servers."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("QUESTLINE_", "PYTEST_"))
            and name not in {"DATABASE_URL", "REDIS_URL", "PYTHONPATH", "COLUMNS"}
        }
        folders = [str(folder) for folder in (*programs, Path(sys.executable).parent, kept["PATH"]) if folder]
        path = os.pathsep.join(folders)
        own = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "questline.pytest_plugin"}  # ours alone
        return {**kept, "PATH": path, **own, **self.variables}
