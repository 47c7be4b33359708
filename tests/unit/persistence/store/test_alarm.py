from types import SimpleNamespace

import pytest

from questline_persistence.store import alarm
from questline_persistence.store.alarm import FIRST_SECONDS, Alarm


def test_a_short_wait_is_not_worth_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    Alarm("store").sound("database is locked", FIRST_SECONDS - 0.1)

    assert caplog.text == ""


def test_a_long_wait_is_told_with_the_store_and_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    Alarm("sqlite:///quests.db").sound("database or disk is full", FIRST_SECONDS)

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    for word in ("store_unavailable", "sqlite:///quests.db", "database or disk is full", "waited_seconds=5.0"):
        assert word in record.getMessage()


def test_all_threads_that_wait_sound_one_alarm_and_another_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(alarm, "time", SimpleNamespace(monotonic=lambda: now))
    shared = Alarm("store")
    for _ in range(8):
        shared.sound("away", 60.0)
    assert len(caplog.records) == 1

    now += alarm.REPEAT_SECONDS
    shared.sound("away", 65.0)
    assert len(caplog.records) == 2
