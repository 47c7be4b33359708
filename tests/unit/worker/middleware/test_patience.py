from types import SimpleNamespace
from typing import Any

import pytest

from questline_worker.middleware import Patience
from questline_worker.middleware import patience as module
from tests.waiting import eventually


def _stopping(gave_up: list[bool], seconds: float) -> Patience:
    database: Any = SimpleNamespace(give_up=lambda: gave_up.append(True))
    return Patience(database, seconds)


def test_a_stopping_process_waits_for_its_store_only_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RELEASE_SECONDS", 0.0)
    gave_up: list[bool] = []
    nobody: Any = None
    _stopping(gave_up, 0.01).before_worker_shutdown(nobody, nobody)
    eventually(lambda: gave_up == [True])


def test_a_process_that_stopped_in_time_gives_nothing_up() -> None:
    gave_up: list[bool] = []
    nobody: Any = None
    patience = _stopping(gave_up, 60)
    patience.before_worker_shutdown(nobody, nobody)
    patience.after_worker_shutdown(nobody, nobody)
    eventually(lambda: not patience._limit.is_alive())
    assert gave_up == []
