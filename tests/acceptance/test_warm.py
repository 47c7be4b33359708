"""A program in a fork of a warm process ends as it would in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("code", "script"),
    [
        (0, "print(input())"),
        (1, "raise ValueError('mine')"),
        (130, "raise SystemExit(130)"),
        (-signal.SIGKILL, "import os; os.kill(os.getpid(), 9)"),
        (-signal.SIGPIPE, "import os, signal; signal.signal(13, signal.SIG_DFL); os.kill(os.getpid(), 13)"),
    ],
)
def test_a_fork_writes_and_ends_as_a_process(programs: Path, tmp_path: Path, code: int, script: str) -> None:
    (tmp_path / "script.py").write_text(script)
    warm, own = (
        subprocess.run([program, "script.py"], cwd=tmp_path, input=b"said", capture_output=True, check=False)
        for program in (programs / "python", sys.executable)
    )

    assert warm.returncode == own.returncode == code
    assert warm.stdout == own.stdout
    assert warm.stderr.splitlines()[-1:] == own.stderr.splitlines()[-1:]
