from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from questline_persistence.dialects.postgres.sessions import _Opener


def test_what_a_session_is_asked_for_besides_changes_nothing_that_another_thread_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = iter([{"synchronous_commit": "on"}, {"synchronous_commit": "on"}])
    monkeypatch.setattr(_Opener, "_unfit", lambda *_, **__: next(found))
    opener = _Opener(lambda: make_url("postgresql://nowhere"), pooled=False)
    before, asked = opener._asked, list[str]()

    def connect(**params: Any) -> Any:
        asked.append(params["options"])
        return SimpleNamespace(close=lambda: None)

    dialect: Any = SimpleNamespace(
        connect=connect, create_connect_args=lambda _: ((), {}), loaded_dbapi=SimpleNamespace(Error=OSError)
    )
    record: Any = SimpleNamespace(info={})
    opener.open(dialect, record, None, None)

    assert "synchronous_commit" not in before
    assert ["synchronous_commit" in each for each in asked] == [False, True]
