"""How a database goes about the statements that a call sends: through which indexes, and with what effort.

The plans are those of the very executions, in the sessions that the code under test prepares for itself: PostgreSQL
reports them with `auto_explain`; SQLite is asked just before, and its instructions are counted while it works.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database

#: What PostgreSQL is to report of each statement.
_AUTO_EXPLAIN = "LOAD 'auto_explain';" + "".join(
    f"SET auto_explain.log_{setting};"
    for setting in (
        "min_duration = 0",
        "level = notice",
        "format = json",
        "analyze = on",
        "buffers = on",
        "timing = off",
    )
)
_TABLES = frozenset(METADATA.tables)
_OWNERS = {str(index.name): name for name, table in METADATA.tables.items() for index in table.indexes}
_OWNERS |= {f"pk_{name}": name for name in _TABLES}
_SQLITE_STEP = re.compile(r"(SEARCH|SCAN) (\w+)(?: USING (?:(?:COVERING )?INDEX (\w+)|(INTEGER PRIMARY KEY)))?")


@dataclass
class Look:
    """One statement as it was executed.

    `ways` holds, for each table that was read, the index that led to its rows, or `every row of …`. `rows` counts those
    that were read, also if only to be left out; SQLite does not tell. `effort` counts pages on PostgreSQL, instructions
    on SQLite.
    """

    statement: str
    ways: set[str] = field(default_factory=set)
    rows: int = 0
    effort: int = 0

    def __str__(self) -> str:
        return f"{self.effort:7,} {self.rows:7,} rows through {sorted(self.ways)}: {self.statement[:90]}"


class Observer:
    """Notes how the statements of a database are executed, while it is told to look.

    Parameters:
      database: the store, none of whose connections is in use.
      plans: what PostgreSQL makes its plans for, "for these values" or "for any values", where the session leaves it
        the choice.
    """

    def __init__(self, database: Database, *, plans: str = "for these values") -> None:
        self._looks: list[Look] = []
        self._looking = False
        self._mode = "force_generic_plan" if plans == "for any values" else "force_custom_plan"
        self._counted: Callable[[], None] = lambda: None
        database.close()  # so that every connection is seen from its beginning
        self._engine = database.engine
        if database.dialect.name == "postgresql":
            event.listen(self._engine, "connect", self._have_explained)
        else:
            event.listen(self._engine, "before_cursor_execute", self._ask)

    @contextmanager
    def looking(self) -> Iterator[list[Look]]:
        """Collect the looks of the statements that are sent inside the block."""
        self._looks, self._looking = [], True
        try:
            yield self._looks
        finally:
            self._looking = False

    def _have_explained(self, connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"{_AUTO_EXPLAIN} SET plan_cache_mode = {self._mode}")
        connection.autocommit = False
        connection.add_notice_handler(self._take)

    def _take(self, notice: Any) -> None:
        """Take a plan that PostgreSQL reports."""
        _, found, told = (notice.message_primary or "").partition("plan:\n")
        if not found or not self._looking:
            return
        report = json.loads(told)
        look = Look(re.sub(r"^DECLARE .* CURSOR FOR ", "", " ".join(report["Query Text"].split())))
        for node, table in _nodes(report["Plan"]):
            _note_node(look, node, table)
        self._looks.append(look)

    def _ask(self, _c: Any, cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        """Ask SQLite for a plan, and count the instructions of its execution until the next one begins."""
        connection = cursor.connection
        connection.set_progress_handler(None, 1)
        look = Look(" ".join(statement.split()))
        if not self._looking or look.statement.split()[0] not in {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE"}:
            return
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters)
        look.ways = set(_sqlite_ways([row[-1] for row in plan], look.statement))
        self._looks.append(look)

        def count() -> None:
            look.effort += 1

        connection.set_progress_handler(count, 1)


def _nodes(node: dict[str, Any], table: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the nodes of a plan of PostgreSQL, each with the table that it reads."""
    table = node.get("Relation Name", table)
    yield node, table
    for inner in node.get("Plans", ()):
        yield from _nodes(inner, table if "Bitmap" in node["Node Type"] else "")


def _note_node(look: Look, node: dict[str, Any], table: str) -> None:
    index = node.get("Index Name")
    if not node["Actual Loops"] or (index is None and not table):
        return
    if index is not None:
        look.ways.add(index if "Index Cond" in node else f"every row of {index}")
    elif node["Node Type"] == "Seq Scan":
        look.ways.add(f"every row of {table}")
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    if node["Node Type"] != "Bitmap Index Scan":  # the scan above it counts the same rows and pages
        look.rows += round(node["Actual Loops"] * (node["Actual Rows"] + removed))
        look.effort += node["Shared Hit Blocks"] + node["Shared Read Blocks"]


def _sqlite_ways(plan: Sequence[str], statement: str) -> Iterator[str]:
    for line in plan:
        found = _SQLITE_STEP.match(line)
        if found is None:
            continue
        how, name, index, row_id = found.groups()
        index = re.sub(r"sqlite_autoindex_(\w+)_1", r"pk_\1", index or "")
        table = _OWNERS.get(index) or _meant(name, statement)
        if row_id and table is not None:
            index = f"pk_{table}"
        if table is not None:
            yield index or f"every row of {table}" if how == "SEARCH" else f"every row of {index or table}"


def _meant(name: str, statement: str) -> str | None:
    """Return the table that a name or an alias stands for in a statement."""
    named = re.search(rf"\b(\w+) (?:AS )?{name}\b", statement)
    return next((table for table in (name, named[1] if named else "") if table in _TABLES), None)
