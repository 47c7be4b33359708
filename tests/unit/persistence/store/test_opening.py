from pathlib import Path

import pytest

from questline_persistence.dialects import PoolLimits
from questline_persistence.settings import load
from questline_persistence.store import pool_limits


def test_a_pool_is_as_large_as_the_settings_say_or_else_as_its_process_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pool_limits(load()) == PoolLimits()
    assert pool_limits(load(pool_size="AUTO"), auto=16) == PoolLimits(size=16)

    for name, value in (("SIZE", "20"), ("OVERFLOW", "10"), ("WAIT_SECONDS", "2.5")):
        monkeypatch.setenv(f"QUESTLINE_POOL_{name}", value)
    assert pool_limits(load(), auto=16) == PoolLimits(size=20, overflow=10, timeout=2.5)
