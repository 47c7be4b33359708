"""The reference of the public names: signatures and fields from the code, the words from its docstrings."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from docstrings import Docstring, read
from public_names import (
    GIVEN,
    NOTHING,
    PARTS,
    fields_of,
    found,
    members_of,
    model_of,
    parameters_of,
    parameters_told,
    type_text,
)
from tables import table, wrapped

#: What one does with the names of each part: its heading on the page.
HEADINGS = {
    "lords": "Define Lords",
    "quests": "Describe quests",
    "submit": "Submit",
    "look": "Look",
    "control": "Control",
    "run": "Run in your own process",
    "testing": "Test",
    "memory": "Keep what Lords remember",
    "gateway": "Mount the gateway",
    "errors": "Errors",
}
#: What an object of a class is called in the examples, where it is not the class in small letters.
OBJECTS = {
    "ContextPersistence": "persistence",
    "LordContext": "ctx",
    "Outputs": "ctx.outputs",
    "AsyncQuestClient": "quests",
    "QuestClient": "client",
    "QuestHandle": "handle",
    "QuestRepository": "repository",
    "QuestExecutor": "executor",
    "WorkflowContext": "context",
    "DbStateManager": "states",
    "DbTodoListManager": "todos",
    "ExecutionHistory": "history",
    "Memories": "memories",
    "StateManagerProtocol": "states",
    "FileStateManager": "states",
    "TodoListManagerProtocol": "todos",
    "RunHistory": "history",
    "FileTodoListManager": "todos",
}


def names_part() -> str:
    """Return the table of what one can do, and with which names."""
    rows = [
        (f"[{heading}](#{heading.lower().replace(' ', '-')})", ", ".join(f"`{name}`" for name in PARTS[part]))
        for part, heading in HEADINGS.items()
    ]
    return table(("to", "names"), rows)


def objects_part() -> str:
    """Return the table of the objects that users get as JSON, with their fields."""
    objects = (("quest", "Quest"), ("step", "LordStep"), ("lord run", "LordRun"), ("snapshot", "Snapshot"))
    rows = [(shown, ", ".join(f"`{field}`" for field in fields_of(found(name)))) for shown, name in objects]
    rows[0] = (rows[0][0], f"{rows[0][1]}, `progress`")
    return table(("object", "fields"), rows)


def part(name: str) -> str:
    """Return the entries of one part of the reference."""
    return "\n\n".join(block for entry in PARTS[name] for block in _entry(entry) if block)


def _entry(name: str) -> Iterator[str]:
    """Yield the blocks of one name's entry: heading, call, words, fields, errors, example, members."""
    thing = found(name)
    if not inspect.isclass(thing):
        yield from _function(name, "###")
        return
    said = read(thing)
    yield f"### `{name}`"
    if name not in GIVEN and parameters_of(thing):
        yield f"```text\n{name}({_call(thing)})\n```"
    yield from map(wrapped, (said.summary, *said.text))
    yield _fields(name, thing, said)
    yield _errors("Raises", said.entries("Raises"))
    yield _errors("Each method may also raise", said.entries("Raised by its methods"))
    yield f"```python\n{said.sections['Example']}\n```" if "Example" in said.sections else ""
    yield from _members(name)


def _function(name: str, heading: str) -> Iterator[str]:
    """Yield the blocks of the entry of a function, a method or an attribute."""
    thing, said = found(name), read(found(name))
    yield f"{heading} `{name}`"
    if inspect.isfunction(thing):
        yield f"```text\n{_signature(name, thing)}\n```"
    yield from map(wrapped, (said.summary, *said.text))
    if inspect.isfunction(thing):
        yield _parameters(thing, parameters_told(name))
    yield f"Returns {said.sections['Returns']}" if "Returns" in said.sections else ""
    yield _errors("Raises", said.entries("Raises"))
    yield f"```python\n{said.sections['Example']}\n```" if "Example" in said.sections else ""


def _signature(name: str, thing: Any) -> str:
    """Return how a function is called, with what it returns."""
    owner, _, member = name.rpartition(".")
    result = type_text(inspect.signature(thing).return_annotation)
    if result.startswith("Callable"):  # a decorator
        return f"@{name}({_call(thing)})"
    first = "await " if inspect.iscoroutinefunction(thing) else ""
    before = f"{OBJECTS.get(owner, owner.lower())}." if owner else ""
    return f"{first}{before}{member}({_call(thing)})" + (f" -> {result}" if result != "None" else "")


def _call(thing: Any) -> str:
    """Return the parameters of a function or class as they are written in a call, without their types."""
    words: list[str] = []
    for one in parameters_of(thing).values():
        if one.kind is one.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        star = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        words.append(f"{star}{one.name}" + ("" if one.default is NOTHING else f"={_value(one.default)}"))
    return ", ".join(words)


def _fields(name: str, thing: type, said: Docstring) -> str:
    """Return the table of a class's values, of its fields, or of what its constructor takes."""
    if issubclass(thing, enum.Enum):
        return table(("value", "meaning"), [(f"`{value}`", text) for value, text in said.entries("Values").items()])
    words = said.entries("Parameters")
    if declared := fields_of(thing):
        rows = [(f"`{field}`", f"`{kind}`", _shown(given), words[field]) for field, (kind, given) in declared.items()]
        return _filled(("field", "type", "default", "meaning"), rows)
    return _parameters(thing, words) if name not in GIVEN else ""


def _parameters(thing: Any, words: Mapping[str, str]) -> str:
    """Return the table of what a function or constructor takes, or nothing where it takes nothing."""
    rows = [
        (f"`{one.name}`", f"`{type_text(one.annotation)}`", _shown(one.default), words[one.name])
        for one in parameters_of(thing).values()
    ]
    return _filled(("parameter", "type", "default", "meaning"), rows)


def _members(name: str) -> Iterator[str]:
    """Yield a class's attributes as a table, so too the methods that are like another class's, then its own methods."""
    attributes, alike, own = [], [], []
    for member in members_of(name):
        thing, said = found(member), read(found(member))
        word = member.partition(".")[2]
        if not inspect.isfunction(thing):
            attributes.append((f"`{word}`", said.summary))
        elif model_of(member):
            alike.append((f"`{word}({_call(thing)})`", said.summary))
        else:
            own.append(member)
    yield _filled(("attribute", "meaning"), attributes)
    yield _filled(("method", "what it does"), alike)
    for member in own:
        yield from _function(member, "####")


def _errors(verb: str, errors: Mapping[str, str]) -> str:
    return (
        "\n".join([f"{verb}:\n", *(wrapped(f"- `{name}`: {text}", indent="  ") for name, text in errors.items())])
        if errors
        else ""
    )


def _filled(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table without the columns in which no row has anything."""
    kept = [index for index in range(len(head)) if any(row[index] for row in rows)]
    return table([head[index] for index in kept], [[row[index] for index in kept] for row in rows]) if rows else ""


def _shown(default: Any) -> str:
    return "" if default is NOTHING else f"`{_value(default)}`"


def _value(default: Any) -> str:
    if isinstance(default, str):  # a member of an enumeration, too
        return f'"{default}"'
    return repr(default) if isinstance(default, int | float | tuple | None) else "{}"
