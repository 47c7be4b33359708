"""The README's tour runs as it is written, block by block, in an empty folder and without a server."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.docs.pages import README, ROOT, Block, blocks
from tests.servers.signals import answer_to_ctrl_c

#: Longest that one block may take, in seconds.
PATIENCE = 60
BASH = shutil.which("bash") or "bash"
TOUR = [block for block in blocks(README) if block.language != "text"]


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


def play(tour: list[Block], folder: Path) -> str:
    """Save the files, start what runs in the background, run the rest in order; return what was printed."""
    printed = ""
    for number, block in enumerate(tour):
        if block.file is not None:
            (folder / block.file).write_text(block.text)
        elif block.info == "background":
            with background(block.text, folder):
                return printed + play(tour[number + 1 :], folder)
        else:
            printed += shell(block.text, folder)
    return printed


def test_every_block_is_run_saved_or_marked_as_text() -> None:
    for block in TOUR:
        ran = block.language == "sh" and block.info in {"", "background"}
        assert ran or block.file is not None, block


@pytest.mark.timeout(180)
def test_the_tour_runs_as_it_is_written(tmp_path: Path) -> None:
    printed = play(TOUR, tmp_path)

    assert "AuthService/api.py" in printed
    assert "exit code 9" in printed
    assert re.search(r"0002 +forge_master +generate_code +1 .*BillingService/api.py", printed)
    assert "{'files': ['SearchService/cli.py']}" in printed
    assert "completed in epoch 1" in printed
    assert ".questline" in [path.name for path in tmp_path.iterdir()]


def test_every_make_target_that_is_named_exists() -> None:
    named = re.findall(r"^make (\w+)", "\n".join(block.text for block in blocks(README)), re.MULTILINE)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert named
    assert set(named) <= set(targets)
