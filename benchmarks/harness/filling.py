"""Fills a store with what Lords remember: what the public classes have written once, again and again under new names.

A copy is as whole as its pattern: a head has its version, an entry its number, and what can be found has its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.progress import Progress
from sqlalchemy import Connection, Row, Table, create_engine, select, text
from sqlalchemy.pool import NullPool

from benchmarks.harness.store import Store
from questline_persistence.dialects import parse_url
from questline_persistence.kinds import AGENT_STATES, CONTEXTS, EVENTS, SESSIONS, Entries, Versioned
from questline_persistence.schema import memory_texts, table_of, tables_of

#: Copies that one statement makes.
BATCH = 100_000
#: How many events a session has if it has any, and how many stories an epic has.
EACH = 100
#: What stands in a pattern for the number of a copy, for its last three digits, and for its epic and story.
NUMBER, THOUSANDTH, EPIC, STORY = "zznumber", "zzthousandth", 987_654_001, 987_654_002
_MARKS = {NUMBER: "n", THOUSANDTH: "n % 1000", str(EPIC): f"n / {EACH}", str(STORY): f"n % {EACH}"}
#: The kinds that are copied: where a column is not as in the pattern but for the marks.
_KINDS: Mapping[Versioned | Entries, Mapping[str, str]] = {
    AGENT_STATES: {},
    CONTEXTS: {},
    SESSIONS: {"events": f"CASE WHEN n * {EACH} < {{count}} THEN {EACH} ELSE 0 END"},
    EVENTS: {"session_id": f"'session-' || (n / {EACH})", "seq": f"n % {EACH} + 1"},
}
#: One copy a minute, in the order of the numbers, and all of them before what is written by calls.
_CREATED = {
    "postgresql": "to_char(to_timestamp(1.6e9 + n * 60) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1600000000 + n * 60, 'unixepoch')",
}
#: What a connection leaves out while it fills a store: nobody misses the copies if the machine dies.
_HURRY = {
    "postgresql": ("SET synchronous_commit = off", "SET maintenance_work_mem = '512MB'"),
    "sqlite": ("PRAGMA synchronous = OFF", "PRAGMA cache_size = -200000"),
}
#: The state in which a store of that age is: autovacuum has been there, SQLite's log is in its file.
_SETTLED = {"postgresql": ("VACUUM ANALYZE", "CHECKPOINT"), "sqlite": ("PRAGMA wal_checkpoint(TRUNCATE)",)}

_COPY = """INSERT INTO {table} ({columns})
WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
SELECT {values} FROM {table} AS t, numbers WHERE t.id = {pattern} ORDER BY n"""
_COPIES = "SELECT id, CAST(substr({key}, {behind}) AS bigint) AS n FROM {table} WHERE id <> {pattern}"
_TEXTS = {
    "postgresql": """INSERT INTO memory_texts (namespace, kind, ref_id, tokens)
        SELECT '{namespace}', '{table}', r.id, CAST({tokens} AS tsvector) FROM ({copies}) AS r ORDER BY r.id""",
    "sqlite": """INSERT INTO memory_texts (namespace, kind, ref_id)
        SELECT '{namespace}', '{table}', r.id FROM ({copies}) AS r ORDER BY r.id""",
}
_WORDS = """INSERT INTO memory_tokens (rowid, tokens) SELECT x.text_id, {tokens} FROM ({copies}) AS r
    JOIN memory_texts AS x ON x.kind = '{table}' AND x.ref_id = r.id ORDER BY x.text_id"""


def fill(store: Store, count: int, progress: Progress) -> None:
    """Copy the one agent state, context, session and event of a store, whose texts bear the marks.

    Parameters:
      store: where they are; besides them nothing is there of these kinds.
      count: how many copies, a multiple of 100.
      progress: is shown how far it is.
    """
    task = progress.add_task("filling", total=len(_KINDS) * count)
    engine = create_engine(parse_url(store.database_url), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection, _without_index(connection):
        _say(connection, _HURRY)
        for kind, changed in _KINDS.items():
            for first in range(0, count, BATCH):
                _copy(connection, kind, changed, range(first, min(first + BATCH, count)), count)
                progress.advance(task, min(BATCH, count - first))
            if kind.searched:
                _copy_words(connection, kind)
    with engine.connect() as connection:
        _say(connection, _SETTLED)
    progress.remove_task(task)


def _say(connection: Connection, statements: Mapping[str, tuple[str, ...]]) -> None:
    for statement in statements[connection.dialect.name]:
        connection.exec_driver_sql(statement)


@contextmanager
def _without_index(connection: Connection) -> Iterator[None]:
    """Make PostgreSQL's index of words anew at the end, which takes less time than to add to it."""
    index = next(one for one in memory_texts.indexes if one.name == "ix_memory_texts_tokens")
    is_postgres = connection.dialect.name == "postgresql"
    if is_postgres:
        index.drop(connection)
    yield
    if is_postgres:
        index.create(connection)


def _copy(
    connection: Connection, kind: Versioned | Entries, changed: Mapping[str, str], numbers: range, count: int
) -> None:
    for table in tables_of(kind) if isinstance(kind, Versioned) else (table_of(kind),):
        pattern = _pattern(connection, table)
        values = {name: _value(name, value) for name, value in pattern._asdict().items() if name != "id"}
        if "created_at" in values:
            values["created_at"] = _CREATED[connection.dialect.name]
        values |= {name: value.format(count=count) for name, value in changed.items() if name in values}
        _run(
            connection,
            _COPY,
            table=table.name,
            columns=", ".join(values),
            values=", ".join(values.values()),
            pattern=pattern.id,
            first=numbers[0],
            last=numbers[-1],
        )


def _pattern(connection: Connection, table: Table) -> Row[Any]:
    """Return the row that was written first."""
    return connection.execute(select(table).order_by(table.c.id).limit(1)).one()


def _value(name: str, value: object) -> str:
    """Return what a column of a copy is: the pattern's, with the copy's numbers in place of the marks."""
    if isinstance(value, str):
        return _marked(f"t.{name}", value)
    return _MARKS.get(str(value), f"t.{name}")


def _marked(expression: str, value: str) -> str:
    for mark, number in _MARKS.items():
        if mark in value:
            expression = f"replace({expression}, '{mark}', CAST({number} AS text))"
    return expression


def _copy_words(connection: Connection, kind: Versioned | Entries) -> None:
    """Give the copies of a kind that can be searched their words."""
    of, key = (tables_of(kind).heads, kind.key) if isinstance(kind, Versioned) else (table_of(kind), kind.entry_id)
    table, pattern = of.name, _pattern(connection, of)
    own = pattern._asdict()
    name = connection.dialect.name
    column = (
        "CAST(tokens AS text)" if name == "postgresql" else "(SELECT tokens FROM memory_tokens WHERE rowid = text_id)"
    )
    written = _run(connection, f"SELECT {column} FROM memory_texts WHERE kind = '{table}' AND ref_id = {pattern.id}")
    tokens = str(written.scalar_one())
    parts = {
        "table": table,
        "namespace": own["namespace"],
        "tokens": _marked(f"'{tokens.replace(chr(39), chr(39) * 2)}'", tokens),
        "copies": _COPIES.format(key=key, behind=own[key].index(NUMBER) + 1, table=table, pattern=pattern.id),
    }
    _run(connection, _TEXTS[name], **parts)
    if name == "sqlite":
        _run(connection, _WORDS, **parts)


def _run(connection: Connection, statement: str, **parts: object) -> Any:
    filled = statement.format(**parts) if parts else statement
    return connection.execute(text(filled.replace(":", "\\:")))
