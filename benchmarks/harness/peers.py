"""The peers: other systems, each run by a small script in an environment of its own that prints JSON."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.harness.pool import ROOT
from benchmarks.harness.servers import Servers

REQUIREMENTS = ROOT / "requirements" / "peers.txt"
FOLDER = ROOT / ".venv-peers"
SCRIPTS = ROOT / "benchmarks" / "peers"
#: Longest that one run of a peer may take, in seconds.
PATIENCE = 600.0


class PeerFailed(RuntimeError):
    """A peer could not be run; the report says so."""


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What one run of a peer found, and how the peer was set up."""

    steps_per_second: float
    ms_per_step: float
    setup: str


class Peers:
    """Runs the peers' scripts.

    Parameters:
      servers: what they run on, the same as we do.
    """

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    @cached_property
    def missing(self) -> list[str]:
        """The pins that could not be installed; making the environment is done here, once."""
        stamp = FOLDER / "installed"
        wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
        if not self._python.exists():
            venv.create(FOLDER, with_pip=True)
        if stamp.exists() and stamp.read_text() == wanted:
            return []
        missing = [] if self._pip("-r", str(REQUIREMENTS)) else self._one_by_one()
        if not missing:
            stamp.write_text(wanted)
        return missing

    def run(self, script: str, *, store: str, quests: int, steps: int, processes: int, threads: int) -> PeerRun:
        """Run `quests` chains of `steps` no-op steps on a fresh store; return what the script found.

        Raises:
          PeerFailed: the script failed, or its packages could not be installed.
        """
        sqlite = store == "sqlite"
        database = f"sqlite:///{self._servers.blank_sqlite()}" if sqlite else self._servers.blank_database()
        order = {
            "database_url": database,
            "broker_url": self._servers.broker_url(),
            "quests": quests,
            "steps": steps,
            "processes": processes,
            "threads": threads,
        }
        try:
            return PeerRun(**self._said(script, order))
        finally:
            self._servers.drop(database)

    def _said(self, script: str, order: dict[str, Any]) -> dict[str, Any]:
        words = [str(self._python), str(SCRIPTS / f"{script}.py"), json.dumps(order)]
        without = f"; not installed: {', '.join(self.missing)}" if self.missing else ""
        try:
            done = subprocess.run(
                words, cwd=self._servers.folder, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PeerFailed(f"it did not end within {PATIENCE:g} s{without}") from error
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["it wrote nothing"]
            raise PeerFailed(f"exit code {done.returncode}: {last[0][:200]}{without}")
        said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return said

    @property
    def _python(self) -> Path:
        return FOLDER / "bin" / "python"

    def _one_by_one(self) -> list[str]:
        """Install what can be installed; return the rest."""
        pins = [line.strip() for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
        return [pin for pin in pins if not self._pip("--no-deps", pin)]

    def _pip(self, *arguments: str) -> bool:
        words = [str(self._python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]
        return subprocess.run(words, stdout=sys.stderr, check=False).returncode == 0
