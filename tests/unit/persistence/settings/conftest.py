from pathlib import Path

import pytest

from questline_persistence.settings import documented


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name, _, _ in documented():
        for variable in (name, f"{name}_FILE"):
            monkeypatch.delenv(variable, raising=False)
    for variable in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path
