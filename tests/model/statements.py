"""What the code's SQL asks before it writes, in the words of the model's guards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from questline_persistence.store import Database

#: Columns whose values belong to the condition; of all others only the comparison does.
_NAMED_VALUES = {"state", "status", "pause_requested"}
_CLAUSE_ENDS = re.compile(r"\b(RETURNING|ORDER BY|GROUP BY|LIMIT|UNION)\b")
_COMPARISON = re.compile(r"(\([\w., ]+\)|[\w.]+) (<=|>=|!=|=|<|>|IN|NOT IN) (\(|ANY\(|'[^']*'|[^\s()]+)")


def conditions(sql: str, table: str, parameters: Sequence[Any] = ()) -> set[str]:
    """Return the comparisons in the WHERE of a statement, nested ones too, as in `column <= ?`.

    Parameters:
      sql: the text; what it binds stands as `?`, `:name` or `%(name)s`.
      table: the name or alias of the table whose rows are asked; its prefix is left out.
      parameters: the values of each `?`.
    """
    values = iter(parameters)
    text = re.sub(r"\?", lambda _: _literal(next(values, None)), " ".join(sql.split()))
    text = text.replace(" || ''", "")  # only the planner is to see something else in it than the column
    return {_condition(match, table, text) for match in _COMPARISON.finditer(text, *_where(text))}


def cases(sql: str, table: str) -> set[str]:
    """Return the comparisons of a statement's CASEs, in the same words: what it makes of a row that it writes."""
    text = " ".join(sql.split())
    return {
        _condition(match, table, case[1])
        for case in re.finditer(r"\bWHEN (.+?) THEN\b", text)
        for match in _COMPARISON.finditer(case[1])
    }


def _literal(value: Any) -> str:
    """Return a bound value in the text, none but the names of states being of interest."""
    return f"'{value}'" if isinstance(value, str) and value.isalpha() else "?"


def _where(text: str) -> tuple[int, int]:
    """Return where the outermost WHERE of a statement begins and ends."""
    depths, depth = [], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        depths.append(depth)
    begin = next(match.end() for match in re.finditer(r"\bWHERE ", text) if depths[match.start()] == 0)
    ends = (match.start() for match in _CLAUSE_ENDS.finditer(text, begin) if depths[match.start()] == 0)
    return begin, next(ends, len(text))


def _condition(match: re.Match[str], table: str, text: str) -> str:
    column, comparison, value = match[1].replace(f"{table}.", ""), match[2].lower(), match[3]
    if value == "ANY(":
        comparison = "in"
    if column not in _NAMED_VALUES and not column.endswith((".state", ".status")):
        other = re.fullmatch(r"(workers|tickets)\.\w+", value)
        return f"{column} {comparison} {other[0] if other else '?'}"
    if value == "(":
        value = text[match.end() - 1 : text.index(")", match.end()) + 1]
    return f"{column} {comparison} {value}"


@contextmanager
def sent(database: Database) -> Iterator[list[tuple[str, Sequence[Any]]]]:
    """Collect the statements that are sent inside the block, with their parameters."""
    found: list[tuple[str, Sequence[Any]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((" ".join(statement.split()), parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
