"""The reference of the schema: every table with its columns and indexes, and which tables belong together.

All of it comes from the tables' metadata. What a column means stands in the `#:` comment above it, or else in the
record that is made of it.
"""

from __future__ import annotations

import inspect
import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from docstrings import read
from pydantic import BaseModel
from sqlalchemy import Column, Index, Table
from sqlalchemy.dialects import postgresql, sqlite
from tables import table, wrapped

from questline_persistence import kinds
from questline_persistence.kinds import ENTRIES, VERSIONED, Entries, Versioned
from questline_persistence.memory import models as remembered
from questline_persistence.models import LordRun, LordStep, QuestExecutionData, Snapshot
from questline_persistence.schema import METADATA, batch_tables, memory_tables, security_tables, step_tables
from questline_persistence.schema import tables as tables_of_quests

#: Which records say what the columns of a table mean, the first that has a word for it.
RECORDS: Mapping[str, tuple[type[BaseModel], ...]] = {
    "quest_executions": (QuestExecutionData,),
    "quest_steps": (LordStep,),
    "lord_runs": (LordRun,),
    "quest_snapshots": (Snapshot,),
    "agent_states": (remembered.AgentState,),
    "state_transitions": (remembered.StateTransition,),
    "state_snapshots": (remembered.StateSnapshot,),
    "tasks": (remembered.Task,),
    "events": (remembered.Event,),
    "sessions": (remembered.Session, remembered.SessionState),
    "todo_lists": (remembered.TodoList,),
    "workflow_context": (remembered.WorkflowContext,),
    "execution_history": (remembered.HistoryEntry,),
    "memories": (remembered.Memory,),
    "runs": (remembered.RunRecord, remembered.RunSummary),
    "migrations": (remembered.Migration,),
}

#: The modules that declare tables.
DECLARED = (tables_of_quests, memory_tables, security_tables, batch_tables, step_tables)

#: A comment, and what it stands above: a table, a kind, a function that makes columns, or a column.
_OWNER = re.compile(r"(\w+) = (?:Table|Versioned|Entries)\(|def (\w+)\(")
_COLUMN = re.compile(r"\s+Column\(\"(\w+)\"")


def schema_part(group: str) -> str:
    """Return the diagram of a group of tables, and what each consists of.

    Parameters:
      group: "core" for quests and what runs them, "memory" for what Lords remember.
    """
    chosen = [each for each in METADATA.sorted_tables if (each.name in _of_memory()) == (group == "memory")]
    return "\n\n".join([_diagram(chosen), *(block for each in chosen for block in _entry(each))])


def _of_memory() -> set[str]:
    """Return the names of the tables of what Lords remember."""
    return {each.name for each in vars(memory_tables).values() if isinstance(each, Table)}


def _diagram(chosen: Iterable[Table]) -> str:
    """Return the entities and their relations, as Mermaid draws them."""
    lines = ["```mermaid", "erDiagram"]
    names = {each.name for each in chosen}
    lines += [f"    {one} {line} {many} : {column}" for one, line, many, column in _relations() if {one, many} <= names]
    for each in chosen:
        columns = [f"        {_word(column)} {column.name}{_mark(column)}" for column in each.columns]
        lines += [f"    {each.name} {{", *columns, "    }"]
    return "\n".join([*lines, "```"])


def _relations() -> Iterator[tuple[str, str, str, str]]:
    """Yield which table has one row for how many of which other, by which column; a full line is a foreign key."""
    for each in METADATA.sorted_tables:
        for key in each.foreign_keys:
            yield key.column.table.name, "||--o{", each.name, key.parent.name
    for kind in VERSIONED:
        yield kind.heads, "||..o{", kind.versions, kind.key
        for entries in kinds.entries_of(kind):
            yield kind.heads, "||..o{", entries.table, kind.key
        for other in VERSIONED:
            if other is not kind and kind.key in (*other.both, *other.head):
                yield kind.heads, "|o..o{", other.heads, kind.key


def _word(column: Column[Any]) -> str:
    """Return a column's type as one word, which is all that a diagram takes."""
    return re.sub(r"\W+", "_", _type(column, postgresql.dialect()))


def _type(column: Column[Any], dialect: Any) -> str:
    return str(column.type.compile(dialect=dialect)).partition(" COLLATE")[0]


def _mark(column: Column[Any]) -> str:
    marks = [mark for mark, is_so in (("PK", column.primary_key), ("FK", bool(column.foreign_keys))) if is_so]
    return f" {', '.join(marks)}" if marks else ""


def _entry(each: Table) -> Iterator[str]:
    """Yield the blocks of one table's entry: heading, words, columns, indexes."""
    words, meanings = _words(each)
    yield f"### `{each.name}`"
    yield wrapped(words)
    rows = [
        (f"`{column.name}`", _types(column), "yes" if column.nullable else "", _sentence(meanings.get(column.name, "")))
        for column in each.columns
    ]
    yield table(("column", "type", "NULL", "meaning"), rows)
    key = ", ".join(f"`{column.name}`" for column in each.primary_key)
    indexes = [_index(one) for one in sorted(each.indexes, key=lambda one: str(one.name))]
    yield "\n".join([f"- primary key: {key}", *indexes])


def _sentence(words: str) -> str:
    """Return words that begin as a sentence does."""
    return words[:1].upper() + words[1:]


def _types(column: Column[Any]) -> str:
    """Return a column's type, and SQLite's if it is another."""
    on_postgres, on_sqlite = (_type(column, dialect) for dialect in (postgresql.dialect(), sqlite.dialect()))
    return f"`{on_postgres}`" + ("" if on_postgres == on_sqlite else f", on SQLite `{on_sqlite}`")


def _index(index: Index) -> str:
    columns = ", ".join(f"`{column.name}`" for column in index.columns)
    where = index.dialect_options["postgresql"]["where"]
    return f"- `{index.name}`: {columns}{', unique' * index.unique}" + ("" if where is None else f", where `{where}`")


def _words(each: Table) -> tuple[str, Mapping[str, str]]:
    """Return what a table is, and what its columns mean."""
    said, described = ChainMap(*map(_comments, DECLARED)), _comments(kinds)
    kind = next((one for one in (*VERSIONED, *ENTRIES) if each.name in _tables(one)), None)
    shown = each.name if kind is None else _tables(kind)[0]
    records = [read(record).entries("Parameters") for record in RECORDS.get(shown, ())]
    if kind is None:
        (name,) = (name for module in DECLARED for name, one in vars(module).items() if one is each)
        return said[name][""], ChainMap(said[name], *records)
    (name,) = (name for name, one in vars(kinds).items() if one is kind)
    makers, words = _made_by(kind, each.name)
    counted = {one.stream.counter: f"Counts its rows of `{one.table}`." for one in ENTRIES if one.stream}
    meanings = ChainMap(*(said[maker] for maker in ("_key", *makers)), counted, *records)
    return " ".join(filter(None, (words, described[name][""]))), meanings


def _tables(kind: Versioned | Entries) -> tuple[str, ...]:
    return (kind.heads, kind.versions) if isinstance(kind, Versioned) else (kind.table,)


def _made_by(kind: Versioned | Entries, name: str) -> tuple[tuple[str, ...], str]:
    """Return which functions make a table's columns, and what it is."""
    if isinstance(kind, Entries):
        return ("_entries", "_origin"), f"A row for each {kind.name}, added once."
    if name == kind.heads:
        return ("_heads",), f"A row for each {kind.name}: its key, and where its present payload stands."
    return ("_versions", "_origin"), f"A row for each version of a {kind.name}, with its payload."


def _comments(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the `#:` comments of a module by what they are in and what they stand above, "" being the thing itself."""
    found: dict[str, dict[str, str]] = {"": {}}
    owner, comment = "", [""]
    for line in inspect.getsource(module).splitlines():
        if line.strip().startswith("#:"):
            comment.append(line.strip().removeprefix("#:").strip())
            continue
        if begun := _OWNER.match(line):
            owner = begun[1] or begun[2]
            found[owner] = {"": " ".join(filter(None, comment))}
        elif (column := _COLUMN.match(line)) and comment[1:]:
            found[owner][column[1]] = " ".join(comment[1:])
        comment = [""]
    return found
