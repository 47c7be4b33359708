"""What the reference of Python leaves unsaid: names without a place in it, and docstrings that are not complete."""

from __future__ import annotations

import ast
import enum
import inspect
import re
import textwrap
from collections.abc import Collection, Iterator
from typing import Any

from docstrings import read
from public_names import (
    PARTS,
    SAME,
    errors_told,
    fields_of,
    found,
    members_of,
    parameters_of,
    parameters_told,
    public_names,
    type_text,
)


def unsaid() -> list[str]:
    """Return what is missing, one sentence each: nothing, if the reference is complete."""
    listed = [name for names in PARTS.values() for name in names]
    missing = [f"{name} is in no part of the reference" for name in sorted(public_names() - {*listed, *SAME})]
    missing += [f"{name} is in two parts of the reference" for name in {*listed} if listed.count(name) > 1]
    for name in listed:
        for one in (name, *(members_of(name) if inspect.isclass(found(name)) else ())):
            missing += [f"{one}: {what}" for what in _unsaid_of(one)]
    return missing


def unsaid_of_function(thing: Any, explained: Collection[str] = (), raised: Collection[str] = ()) -> Iterator[str]:
    """Yield what a function's docstring lacks.

    Parameters:
      thing: the function.
      explained: the parameters that are explained, there or elsewhere.
      raised: the errors that are told of, there or elsewhere.
    """
    said = read(thing)
    yield from _differs("parameter", {*parameters_of(thing)}, explained, said.entries("Parameters"))
    yield from (f"it raises {name} and does not say so" for name in sorted(_raises(thing).difference(raised)))
    result = type_text(inspect.signature(thing).return_annotation)
    says = "return" in f"{said.summary} {' '.join(said.sections)}".lower()
    if result not in {"None", "NoReturn"} and not says and not _has_entry(result):
        yield f"it does not say which {result} it returns"


def _unsaid_of(name: str) -> Iterator[str]:
    """Yield what the docstring of one name lacks."""
    thing = found(name)
    if not getattr(thing, "__doc__", None):
        yield "it has no docstring"
        return
    said = read(thing)
    if inspect.isfunction(thing):
        yield from unsaid_of_function(thing, parameters_told(name), errors_told(name))
    elif inspect.isclass(thing) and issubclass(thing, enum.Enum):
        values = said.entries("Values")
        yield from _differs("value", {str(one.value) for one in thing}, values, values)
    elif inspect.isclass(thing):
        own = said.entries("Parameters")
        yield from _differs("parameter", {*(fields_of(thing) or parameters_of(thing))}, own, own)


def _differs(what: str, there: set[str], explained: Collection[str], own: Collection[str]) -> Iterator[str]:
    yield from (f"the {what} {name} is not explained" for name in sorted(there.difference(explained)))
    yield from (f"the {what} {name} does not exist" for name in sorted({*own} - there))


def _raises(thing: Any) -> set[str]:
    """Return the errors that a function's own code makes and raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    raised = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise))
    called = (one.func for one in raised if isinstance(one, ast.Call))
    return {one.id for one in called if isinstance(one, ast.Name) and one.id[0].isupper()}


def _has_entry(result: str) -> bool:
    """Return whether a type names a class that the reference explains."""
    return any(name in re.findall(r"\w+", result) for names in PARTS.values() for name in names)
