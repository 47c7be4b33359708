"""Which functions write the rows that hold a state: found in the code, in SQLAlchemy's statements and in plain SQL.

A statement whose table or columns cannot be read counts as one that writes them all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from questline_persistence import schema

#: Each table that holds a state, and the column that does; None stands for all of its columns.
WATCHED: Mapping[str, str | None] = {
    "tickets": None,
    "quest_executions": "status",
    "lord_runs": "status",
    "workers": "state",
    "batches": "state",
}
#: Modules whose statements name the tables of a kind of what Lords remember, and no other: a test looks at the kinds.
OF_KINDS = (
    "controls.forgetting",
    "controls.inheriting",
    "controls.rewinding",
    "dialects.memory_statements",
    "dialects.postgres.texts",
    "dialects.sqlite.memory",
    "dialects.sqlite.texts",
    "erasure.shared_rows",
    "memory.",
    "moving.memory_rows",
    "recovery.expired",
)
_VERBS = frozenset({"insert", "update", "delete"})
_PLAIN = re.compile(r"\b(INSERT INTO|(?<!FOR )(?<!DO )UPDATE|DELETE FROM)\s+(\w+|\{\})")
_END_OF_SET = re.compile(r"\b(?:WHERE|FROM|RETURNING)\b")
#: What stands for a column, or a part of a text, that is known at run time alone.
_UNKNOWN = "{}"


class Write(NamedTuple):
    """A table, and a function that writes it, called by its place in the package: `journal.ended_attempt.record`."""

    table: str
    function: str


def writes_of(folder: Path) -> set[Write]:
    """Return every write in a package but those of migrations and of memory, which change no quest's state."""
    sources = {
        ".".join(path.relative_to(folder).with_suffix("").parts): path.read_text()
        for path in sorted(folder.rglob("*.py"))
        if "migrations" not in path.parts
    }
    sources = {name: source for name, source in sources.items() if not name.startswith(OF_KINDS)}
    return writes_in(sources)


def writes_in(sources: Mapping[str, str]) -> set[Write]:
    """Return every write in modules, given by name.

    A function that writes whichever columns its callers name (`**values`) is their hand: they are who writes. So is
    whoever names a constant that holds a statement; where nobody does, the constant stands for him.
    """
    modules = {name: _Module(ast.parse(source)) for name, source in sources.items()}
    hands = dict(hand for module in modules.values() for hand in module.hands())
    return {
        Write(table, f"{place}.{name}") for place, module in modules.items() for name, table in module.writes(hands)
    }


class _Module:
    """The functions and constants of one module, by name; a method is a function, called `Class.method`."""

    def __init__(self, tree: ast.Module) -> None:
        self._origins: dict[str, tuple[str, str]] = {}
        self._functions: dict[str, ast.AST] = {}
        self._constants: dict[str, ast.AST] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self._origins |= {each.asname or each.name: (node.module or "", each.name) for each in node.names}
        self._add(tree.body)

    def _add(self, body: list[ast.stmt], prefix: str = "") -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._functions[prefix + node.name] = node
            elif isinstance(node, ast.ClassDef):
                self._add(node.body, f"{node.name}.")
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self._constants |= {each.id: node.value for each in targets if isinstance(each, ast.Name)}

    def hands(self) -> Iterator[tuple[str, str]]:
        """Yield the functions that write what their callers name, with the table."""
        for name, function in self._functions.items():
            for call, table in self._statements(function):
                if _rest(function) & _columns(call, function):
                    yield name.rpartition(".")[2], table

    def writes(self, hands: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the functions that write, and the constants that no function names, with the tables."""
        makers = {name for value in self._constants.values() for name in _names(value)}  # run when it is loaded
        left = dict(self._constants)
        for name in self._functions.keys() - makers:
            reached = self._reached(self._functions[name])
            left = {each: value for each, value in left.items() if value not in reached}
            yield from ((name, table) for node in reached for table in self._tables(node, hands))
        for name, value in left.items():
            yield from ((name, table) for node in self._reached(value) for table in self._tables(node, hands))

    def _reached(self, start: ast.AST) -> list[ast.AST]:
        """Return a function or value, and all constants that it names, with what these are made by."""
        reached = [start]
        for node in reached:  # which grows
            known = self._constants if node is start else self._constants | self._functions
            reached += [known[name] for name in _names(node) & known.keys() if known[name] not in reached]
        return reached

    def _tables(self, node: ast.AST, hands: Mapping[str, str]) -> Iterator[str]:
        """Yield the tables whose states are written in this very place."""
        for call, table in self._statements(node):
            if _touches(table, _columns(call, node) - _rest(node)):
                yield table
        for call in _calls(node):
            named = {_UNKNOWN if each.arg is None else each.arg for each in call.keywords}
            if (table := hands.get(_name(call.func))) and named and _touches(table, named):
                yield table
        for text in _texts(node):
            yield from _in_plain(text)

    def _statements(self, node: ast.AST) -> Iterator[tuple[ast.Call, str]]:
        """Yield the calls that begin a statement of SQLAlchemy, with its table."""
        walked = (each for each in ast.walk(node) if isinstance(each, ast.For | ast.comprehension))
        loops = {_name(each.target): each.iter for each in walked}
        for call in _calls(node):
            if (target := self._target(call)) is not None:
                over = loops.get(_name(target))
                for each in over.elts if isinstance(over, ast.Tuple) else [over or target]:
                    yield from ((call, table) for table in self._named(each))

    def _target(self, call: ast.Call) -> ast.expr | None:
        """Return what a call inserts into, updates or deletes from, if it does."""
        origin, verb = self._origins.get(_name(call.func), ("", ""))
        if isinstance(call.func, ast.Name):
            return call.args[0] if origin.startswith("sqlalchemy") and verb in _VERBS else None
        owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr in _VERBS else None
        return owner if owner is not None and self._is_table(owner) else None

    def _is_table(self, node: ast.expr) -> bool:
        return self._origins.get(_name(node), ("", ""))[0].startswith(schema.__name__)

    def _named(self, node: ast.expr) -> list[str]:
        """Return the watched tables that a name stands for; all, where these are known at run time alone."""
        if isinstance(node, ast.Starred):
            return self._named(node.value)
        if isinstance(node, ast.Call) and _name(node.func) == "reversed":
            return self._named(node.args[0])
        if not self._is_table(node):
            return [*WATCHED]
        found = getattr(schema, self._origins[_name(node)][1])
        names = [table.name for table in (found if isinstance(found, tuple) else (found,))]
        return [name for name in names if name in WATCHED]


def _touches(table: str, columns: set[str]) -> bool:
    """Return whether a statement that writes these columns of a table writes its state."""
    watched = WATCHED[table]
    return bool(columns) if watched is None else watched in columns or any(_is_unknown(each) for each in columns)


def _is_unknown(column: str) -> bool:
    return column.startswith("**") or _UNKNOWN in column


def _columns(statement: ast.Call, within: ast.AST) -> set[str]:
    """Return the columns that a statement writes; all of them, if it inserts or deletes rows."""
    if _name(statement.func) != "update":
        return {_UNKNOWN}
    chains = (call for call in _calls(within) if _name(call.func) == "values" and statement in ast.walk(call.func))
    values = next(chains, None)
    if values is None:
        return {_UNKNOWN}
    found = {each.arg for each in values.keywords if each.arg}
    for each in values.keywords:
        found |= set() if each.arg else _spread(each.value, within)
    for value in values.args:
        found |= _keys(value, within)
    return found


def _spread(value: ast.expr, within: ast.AST) -> set[str]:
    """Return the columns of what is written as `**value`."""
    given = _unsealed(value, within)
    if isinstance(given, ast.Name) and (given is value or f"**{given.id}" in _rest(within)):
        return {f"**{given.id}"}
    return _keys(given, within)


def _keys(value: ast.expr, within: ast.AST) -> set[str]:
    """Return the keys of a dictionary that is written down where it is used, or before that in the same function."""
    value = _unsealed(value, within)
    if isinstance(value, ast.Name):
        found = _assigned(value.id, within)
        value = found[0] if len(found) == 1 else value
    if isinstance(value, ast.Dict):
        return {str(each.value) if isinstance(each, ast.Constant) else _UNKNOWN for each in value.keys}
    return {_UNKNOWN}


def _unsealed(value: ast.expr, within: ast.AST) -> ast.expr:
    """Return a value as it was before its payloads were sealed: that names the same columns."""
    found = _assigned(value.id, within) if isinstance(value, ast.Name) else []
    last = found[0] if len(found) == 1 else value
    return last.args[2] if isinstance(last, ast.Call) and _name(last.func) == "sealed" else value


def _assigned(name: str, within: ast.AST) -> list[ast.expr]:
    """Return all values that a name is given in a function."""
    found: list[ast.expr] = []
    for each in (one for one in ast.walk(within) if isinstance(one, ast.Assign)):
        target, value = each.targets[0], each.value
        pairs = (
            zip(target.elts, value.elts, strict=True)
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            else [(target, value)]
        )
        found += [given for one, given in pairs if _name(one) == name]
    return found


def _in_plain(text: str) -> Iterator[str]:
    """Yield the watched tables whose states are written by statements in plain SQL."""
    for match in _PLAIN.finditer(text):
        tables = [*WATCHED] if match[2] == _UNKNOWN else [match[2]]
        columns = _set_columns(text[match.end() :]) if match[1] == "UPDATE" else {_UNKNOWN}
        yield from (table for table in tables if table in WATCHED and _touches(table, columns))


def _set_columns(rest: str) -> set[str]:
    """Return the columns of a SET, given with what follows it."""
    while (shorter := re.sub(r"\([^()]*\)", "", rest)) != rest:
        rest = shorter
    clause = _END_OF_SET.split(rest.partition(")")[0])[0]
    return {*re.findall(r"([\w{}]+) =", clause), *re.findall(r"\{\}", clause)}


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts that stand in a function or value, with what is put into them as `{}`."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else _UNKNOWN for part in each.values)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def _names(node: ast.AST) -> set[str]:
    return {_name(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)}


def _name(node: ast.AST) -> str:
    """Return the last part of a name; "" for what has none."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _rest(function: ast.AST) -> set[str]:
    """Return the columns that a function's callers name: all in its `**` parameter, if it has one."""
    rest = function.args.kwarg if isinstance(function, ast.FunctionDef) else None
    return set() if rest is None else {f"**{rest.arg}"}
