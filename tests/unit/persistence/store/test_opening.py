import sys
from pathlib import Path

import pytest

from questline_persistence.dialects import PoolLimits
from questline_persistence.errors import ConfigurationError
from questline_persistence.payload import CLEAR, Cell, key_of
from questline_persistence.settings import load
from questline_persistence.store import open_database, pool_limits
from tests.payload_codec import KEYS

CELL = Cell("quest_steps", "params", ("quest", 0, "0001"))


def test_a_pool_is_as_large_as_the_settings_say_or_else_as_its_process_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pool_limits(load()) == PoolLimits()
    assert pool_limits(load(pool_size="AUTO"), auto=16) == PoolLimits(size=16)

    for name, value in (("SIZE", "20"), ("OVERFLOW", "10"), ("WAIT_SECONDS", "2.5")):
        monkeypatch.setenv(f"QUESTLINE_POOL_{name}", value)
    assert pool_limits(load(), auto=16) == PoolLimits(size=20, overflow=10, timeout=2.5)


def test_payloads_pass_the_codec_that_the_settings_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KEYS", "COMPRESS_BYTES"):
        monkeypatch.delenv(f"QUESTLINE_PAYLOAD_{name}", raising=False)
    assert open_database(":memory:").codec is CLEAR

    keys = tmp_path / "keys"
    keys.write_text(f"{KEYS['beta']}\n{KEYS['alpha']}\n")
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS_FILE", str(keys))
    codec = open_database(":memory:").codec
    assert key_of(codec.seal('{"x":1}', CELL)) == "beta"

    monkeypatch.setenv("QUESTLINE_PAYLOAD_COMPRESS_BYTES", "100")
    codec = open_database(":memory:").codec
    assert len(codec.seal("x" * 10_000, CELL)) < 200


def test_a_key_that_is_none_is_refused_by_its_setting_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", "k1:c2VjcmV0")

    with pytest.raises(ConfigurationError, match="QUESTLINE_PAYLOAD_KEYS: the key 'k1' has 6 bytes") as refused:
        open_database(":memory:")
    assert "c2VjcmV0" not in refused.value.advice


def test_without_the_extra_the_setting_that_needs_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    monkeypatch.delitem(sys.modules, "questline_persistence.payload.cipher", raising=False)
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", KEYS["alpha"])

    with pytest.raises(ConfigurationError, match=r"QUESTLINE_PAYLOAD_KEYS is set, but .* is not installed") as refused:
        open_database(":memory:")
    assert refused.value.hint == "run: pip install 'questline[codec]'"
