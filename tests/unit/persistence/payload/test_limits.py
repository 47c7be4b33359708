from dataclasses import fields
from pathlib import Path

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.payload import DEFAULTS, Limits
from questline_persistence.settings import MAX_LIMIT, MIN_LIMIT, Settings, load


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, so that no file holds a setting."""
    monkeypatch.chdir(tmp_path)


def test_every_limit_is_a_setting_with_the_same_default() -> None:
    assert load().limits == DEFAULTS
    for kind in fields(Limits):
        assert getattr(DEFAULTS, kind.name).setting in Settings.model_fields


def test_a_limit_is_raised_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_MAX_OUTPUT_BYTES", "5000000")

    limits = load().limits
    assert limits.output.size == 5_000_000
    assert limits.input == DEFAULTS.input
    assert "QUESTLINE_MAX_OUTPUT_BYTES" in limits.output.advice


@pytest.mark.parametrize("value", ["0", str(MIN_LIMIT - 1), str(MAX_LIMIT + 1), "1 MB"])
def test_a_limit_that_no_store_could_keep_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("QUESTLINE_MAX_INPUT_BYTES", value)

    with pytest.raises(ConfigurationError, match="QUESTLINE_MAX_INPUT_BYTES"):
        load()


def test_a_file_that_holds_the_largest_quest_is_within_what_is_read() -> None:
    assert DEFAULTS.quest_file > DEFAULTS.input.size + DEFAULTS.stack.size
