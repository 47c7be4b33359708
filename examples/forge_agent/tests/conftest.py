"""What the tests of the agent share."""

from pathlib import Path

import pytest

from examples.forge_agent.lords import ROOT


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the agent may read."""
    (tmp_path / "README.md").write_text("# A title\n")
    monkeypatch.setenv(ROOT, str(tmp_path))
    return tmp_path
