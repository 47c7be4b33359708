"""Runs a page as its reader would: block by block, in an empty folder and without a server.

A block marked `text` is only shown. `python file=NAME` is saved, `sh` is run, and `sh background` runs beside the
blocks after it, as in another terminal.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.docs.pages import Block, blocks
from tests.servers.signals import answer_to_ctrl_c

#: Longest that one block may take, in seconds.
PATIENCE = 60
BASH = shutil.which("bash") or "bash"


def environment() -> dict[str, str]:
    """Return what a user's shell would have: the environment of the tests, their settings and servers left out."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("QUESTLINE_") and name not in {"DATABASE_URL", "REDIS_URL", "PYTHONPATH", "COLUMNS"}
    }
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}


def shell(text: str, folder: Path) -> str:
    """Run a block as a script that stops at its first failure; return what it printed."""
    done = subprocess.run(
        [BASH, "-eu", "-o", "pipefail", "-c", text],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def background(text: str, folder: Path) -> Iterator[None]:
    """Run a block in the background, as in another terminal, and end it with Ctrl-C."""
    with (folder / "background.log").open("wb") as log:
        process = subprocess.Popen(
            [BASH, "-c", f"exec {text}"],
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=answer_to_ctrl_c,  # noqa: PLW1509  it only makes a system call
        )
    try:
        yield
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 0, (folder / "background.log").read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def tour(page: Path) -> list[Block]:
    """Return the blocks of a page that are not just shown."""
    return [block for block in blocks(page) if block.language != "text"]


def play(steps: list[Block], folder: Path) -> str:
    """Save the files, start what runs in the background, run the rest in order; return what was printed."""
    printed = ""
    for number, block in enumerate(steps):
        if block.file is not None:
            (folder / block.file).write_text(block.text)
        elif block.info == "background":
            with background(block.text, folder):
                return printed + play(steps[number + 1 :], folder)
        else:
            printed += shell(block.text, folder)
    return printed
