"""A process of a user who also reads the store's file: `library_orders.py URL ORDER NAME COUNT`.

ORDER says when it loads which SQLite library. It submits COUNT quests, looks into the file after each by its own means,
and prints how many quests it was told are there.
"""

import importlib
import shutil
import sys
from collections.abc import Callable
from contextlib import closing, nullcontext
from typing import Any

import pytest

COUNTED = "SELECT count(*) FROM quest_executions"


def main(url: str, order: str, name: str, count: int) -> None:
    """Submit and look in turns."""
    path = url.removeprefix("sqlite:///")
    for loaded_first in ("sqlite3", "pysqlite3"):
        if order.startswith(f"{loaded_first} first"):
            importlib.import_module(loaded_first)
    before = _opened("sqlite3", path) if order == "connected first" else nullcontext()

    from questline import ConfigurationError, LordStep, Quest, QuestClient  # noqa: PLC0415  (what comes before it is tried)

    with QuestClient(url, "memory://") as client, before:
        for module in ("pysqlite3", "pysqlite3.dbapi2") if order == "sqlite3 first, then the wheel" else ():
            with pytest.raises(ConfigurationError, match=r"create_engine\(url, module=sqlite3.dbapi2\)"):
                importlib.import_module(module).connect(path)
        look = _look(url, path, order, name)
        for number in range(count):
            quest = Quest(quest_id=f"{name}-{number}", quest_type="t", execution_stack=[LordStep("a", "b")])
            assert client.submit(quest).created
            look()
    sys.stdout.write(str(count))


def _look(url: str, path: str, order: str, name: str) -> Callable[[], object]:
    """Return what opens the file, reads it and closes it."""
    if order == "a copy":
        return lambda: [shutil.copyfile(path + suffix, f"{path}.{name}.copy") for suffix in ("", "-wal", "-shm")]
    if order == "sqlalchemy":
        from sqlalchemy import create_engine  # noqa: PLC0415  (it loads SQLite when the store is open)
        from sqlalchemy.pool import NullPool  # noqa: PLC0415

        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 30})
        return lambda: _counted(engine)
    module = "pysqlite3" if order == "pysqlite3 first" else "sqlite3"
    return lambda: _read(module, path)


def _counted(engine: Any) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(COUNTED).scalar_one()


def _read(module: str, path: str) -> None:
    with _opened(module, path):
        pass


def _opened(module: str, path: str) -> Any:
    connection = importlib.import_module(module).connect(path, timeout=30)
    connection.execute(COUNTED).fetchone()
    return closing(connection)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
