"""The reference of the public names, from their docstrings and signatures."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from typing import Any

from tables import table

import questline
from questline_persistence.models import LordRun, LordStep, QuestExecutionData, Snapshot

#: What the reference of classes and functions shows, in this order.
CALLED = (
    "lord",
    "quest_type",
    "LordContext",
    "QuestClient",
    "QuestHandle",
    "QuestExecutor",
    "QuestRepository",
    "QuestFilter",
)
DECORATORS = ("lord", "quest_type")
#: Classes whose objects users are given, and never make.
GIVEN = ("LordContext", "QuestHandle")
#: Methods that only questline itself has a use for.
INTERNAL = {"conditions", "outputs_at", "outputs_of", "output", "inherited", "live_handlers", "glance", "tickets"}

_STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def names_part() -> str:
    """Return the table of all public names."""
    return table(("name", "what it is"), [(f"`{name}`", _summary(getattr(questline, name))) for name in _public()])


def methods_part() -> str:
    """Return how the public things are called or made, and the methods of those that do something."""
    parts = []
    for name in CALLED:
        thing = getattr(questline, name)
        call = f"{'@' if name in DECORATORS else ''}{name}{_signature(thing)}"
        rows = list(_methods(thing)) if name not in DECORATORS else []
        parts += [f"### `{name}`", f"```text\n{call}\n```" if name not in GIVEN else ""]
        parts.append(table(("method", "what it does"), rows) if rows else f"{_summary(thing)}.")
    return "\n\n".join(part for part in parts if part)


def objects_part() -> str:
    """Return the table of the objects that users get, with their fields."""
    objects = (("quest", QuestExecutionData), ("step", LordStep), ("lord run", LordRun), ("snapshot", Snapshot))
    rows = [(name, ", ".join(f"`{field}`" for field in model.model_fields)) for name, model in objects]
    rows[0] = (rows[0][0], f"{rows[0][1]}, `progress`")
    return table(("object", "fields"), rows)


def _public() -> list[str]:
    return [name for name in questline.__all__ if not name.startswith("_")]


def _methods(thing: type) -> Iterator[tuple[str, str]]:
    for name, member in vars(thing).items():
        if name.startswith("_") or name in INTERNAL or not getattr(member, "__doc__", None):
            continue
        if inspect.isfunction(member):
            yield f"`{name}{_signature(member)}`", _summary(member)
        elif isinstance(member, property):
            yield f"`{name}`", _summary(member)


def _signature(thing: Any) -> str:
    """Return the parameters of a function or class as they are written in a call, without their types."""
    words: list[str] = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        star = (
            "*"
            if parameter.kind is parameter.VAR_POSITIONAL
            else "**"
            if parameter.kind is parameter.VAR_KEYWORD
            else ""
        )
        words.append(f"{star}{parameter.name}{_default(parameter.default)}")
    return f"({', '.join(words)})"


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    plain = str(value) if isinstance(value, enum.Enum) else value
    return f"={plain!r}" if isinstance(plain, str | int | float | bool | tuple | None) else "={}"


def _summary(thing: Any) -> str:
    text = inspect.getdoc(thing) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")
