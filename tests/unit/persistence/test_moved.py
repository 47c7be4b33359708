import importlib
import sys

import pytest

from questline_persistence.moved import _RENAMED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *_RENAMED.items(),
        ("questline_persistence.database", "questline_persistence.store.database"),
        ("questline_persistence.history", "questline_persistence.journal.history"),
        ("questline_persistence.register", "questline_persistence.recovery.register"),
        ("questline_scheduler.async_client", "questline_scheduler.client.async_client"),
        ("questline_scheduler.handle", "questline_scheduler.client.handle"),
        ("questline_scheduler.memory_broker", "questline_scheduler.doorbells.memory_broker"),
        ("questline_worker.drive", "questline_worker.executor.drive"),
        ("questline_worker.checkpoints", "questline_worker.middleware.checkpoints"),
    ],
)
def test_a_module_is_found_by_its_name_from_before_there_were_rooms(old: str, new: str) -> None:
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match="will not have the old name"):
        module = importlib.import_module(old)

    assert module is importlib.import_module(new)
    assert module.__name__ == new


def test_a_name_that_no_module_ever_had_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        importlib.import_module("questline_persistence.nonsense")
