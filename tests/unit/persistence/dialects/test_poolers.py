"""Poolers that stand before PostgreSQL: each way in which one shows itself is noticed, and no other error is."""

from typing import Any

import psycopg
import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import make_url

from questline_persistence.dialects.postgres.sessions import _POOLED, _Opener


class Session:
    """What the driver returns; `marked` tells whether the server got what the session was asked for."""

    def __init__(self, params: dict[str, Any], *, marked: bool) -> None:
        self.params, self.marked, self.closed = params, marked, False
        self.autocommit, self.isolation_level = True, None

    def execute(self, _query: str, **_: Any) -> "Session":
        return self

    def fetchone(self) -> Any:
        return (None, None, None) if self.marked else None

    def close(self) -> None:
        self.closed = True


class Dialect(PGDialect_psycopg):
    """Opens no connection; refuses `options` in a pooler's words, if it has any."""

    def __init__(self, refusal: str | None = None, *, marked: bool = True) -> None:
        super().__init__(dbapi=psycopg)
        self.refusal, self.marked = refusal, marked
        self.opened: list[Session] = []

    def connect(self, *_: Any, **params: Any) -> Any:
        if self.refusal and "options" in params:
            raise psycopg.OperationalError(self.refusal)
        self.opened.append(Session(params, marked=self.marked))
        return self.opened[-1]


class Record:
    def __init__(self) -> None:
        self.info: dict[str, Any] = {}


def opened(dialect: Dialect, times: int = 1, *, pooled: bool = False) -> list[tuple[Session, bool]]:
    """Open sessions one after the other; return each with whether it is taken for shared."""
    opener = _Opener(lambda: make_url("postgresql+psycopg://me@host/db"), pooled=pooled)
    found = []
    for _ in range(times):
        record: Any = Record()
        found.append((opener.open(dialect, record, [], {}), record.info[_POOLED]))
    return found


def test_a_session_that_got_what_it_was_asked_for_is_our_own() -> None:
    ((session, pooled),) = opened(Dialect())

    assert not pooled
    assert "lock_timeout" in session.params["options"]
    assert session.autocommit is False


@pytest.mark.parametrize(
    "refusal",
    [
        "connection failed: FATAL:  unsupported startup parameter: options",
        "connection failed: FATAL:  unsupported startup parameter in options: lock_timeout",
        "FATAL:  Feature not supported: RDS Proxy currently doesn't support command-line options.",
    ],
)
def test_a_pooler_that_refuses_is_noticed_once(refusal: str) -> None:
    dialect = Dialect(refusal)
    (first, shared), (second, still) = opened(dialect, times=2)

    assert shared
    assert still
    for session in (first, second):
        assert "options" not in session.params
        assert session.params["prepare_threshold"] is None


def test_a_pooler_that_drops_what_was_asked_for_is_noticed() -> None:
    dialect = Dialect(marked=False)
    ((session, pooled),) = opened(dialect)

    assert pooled
    assert "options" not in session.params
    assert [one.closed for one in dialect.opened] == [True, False]


def test_a_pooler_that_is_known_is_not_looked_for() -> None:
    dialect = Dialect(marked=False)
    ((_, pooled),) = opened(dialect, pooled=True)

    assert pooled
    assert len(dialect.opened) == 1


def test_any_other_error_is_none_of_a_pooler() -> None:
    with pytest.raises(psycopg.OperationalError, match="refused"):
        opened(Dialect("Connection refused"))
