"""How people say which step they mean: by two names, as `lord:tool`, or by the function that `@lord` has registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

from questline_persistence.errors import InvalidRecord

#: What names a step in one word: `lord:tool`, or the function.
StepName: TypeAlias = str | Callable[..., Any]

_ONCE = 'name the Lord and the tool once: "architect", "design_system", or "architect:design_system", or the function'


@runtime_checkable
class LordFunction(Protocol):
    """A function that `@lord` has registered: it bears its names, each as `lord:tool`."""

    questline_handlers: tuple[str, ...]


def names_of(function: object) -> tuple[str, ...]:
    """Return the names under which a function is registered, each as `lord:tool`; none for what is no Lord's."""
    return function.questline_handlers if isinstance(function, LordFunction) else ()


def give_names(function: object, names: Iterable[str]) -> None:
    """Let a function bear the names under which it is registered."""
    with suppress(AttributeError):  # a method bears none: its steps are named in words
        cast("LordFunction", function).questline_handlers = tuple(names)


def by_place(*names: StepName) -> dict[str, Any]:
    """Return the fields of a step that are given without their names, as in `LordStep("architect", "design_system")`.

    Raises:
      InvalidRecord: they are more than two, or two that each name a whole step.
    """
    if len(names) > 2:  # noqa: PLR2004  (the Lord and the tool)
        message = f"a LordStep takes two names, the Lord's and the tool's, not {len(names)} arguments"
        raise InvalidRecord(message, hint="give params, max_attempts, timeout_seconds, … by name")
    if len(names) == 1:
        return {"step": names[0]}
    if any(_is_whole(name) for name in names):
        raise InvalidRecord(f"{_shown(*names)} name a step in two ways at once", hint=_ONCE)
    return dict(zip(("lord_name", "tool_name"), names, strict=False))


def named_apart(written: object) -> object:
    """Return a step that names its Lord and its tool in one word as its fields, and anything else as it is.

    Raises:
      InvalidRecord: the word names no step, or the names stand beside it, too.
    """
    if isinstance(written, tuple):
        written = by_place(*written)
    elif isinstance(written, str) or callable(written):
        written = {"step": written}
    if not isinstance(written, Mapping) or "step" not in written:
        return written
    fields = {name: value for name, value in written.items() if name != "step"}
    word = written["step"]
    if fields.keys() & {"lord_name", "tool_name"}:
        if _is_whole(word) or "lord_name" in fields:
            raise InvalidRecord(f"{_shown(word)} stands beside lord_name or tool_name", hint=_ONCE)
        return {"lord_name": word, **fields}
    lord_name, tool_name = _names(word)
    return {"lord_name": lord_name, "tool_name": tool_name, **fields}


def _names(word: object) -> tuple[str, str]:
    """Return the Lord's name and the tool's that one word means."""
    if not isinstance(word, str):
        word = _handler(word)
    lord_name, colon, tool_name = word.partition(":")
    if word and not colon:
        hint = f'write "{word}:TOOL", or LordStep("{word}", "TOOL")'
        raise InvalidRecord(f"{word!r:.100} names a Lord and no tool", hint=hint)
    if not lord_name or not tool_name or ":" in tool_name:
        hint = 'write both names with one colon between them, such as "architect:design_system"'
        raise InvalidRecord(f"{word!r:.100} is not LORD:TOOL", hint=hint)
    return lord_name, tool_name


def _handler(function: object) -> str:
    """Return the one name, `lord:tool`, under which a function is registered."""
    if not callable(function):
        hint = 'give a LordStep, "LORD:TOOL", or a function that @lord has registered'
        raise InvalidRecord(f"{_shown(function)} names no step", hint=hint)
    names = names_of(function)
    if not names:
        hint = 'decorate it with @lord("LORD", "TOOL"), or write the two names instead'
        raise InvalidRecord(f"{_shown(function)} is registered as no Lord", hint=hint)
    first, *others = names
    if others:
        message = f"{_shown(function)} is registered as {', '.join(names)}"
        raise InvalidRecord(message, hint=f'say which is meant, such as "{first}"')
    return first


def _is_whole(name: object) -> bool:
    """Return whether a word names both the Lord and the tool."""
    return callable(name) or (isinstance(name, str) and ":" in name)


def _shown(*names: object) -> str:
    return " and ".join(f"{getattr(name, '__qualname__', None) or repr(name):.100}" for name in names)
