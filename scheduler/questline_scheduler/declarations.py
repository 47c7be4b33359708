"""Decorators that tell how they are written: a wrong call of one is a sentence that names the fix."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from questline_persistence.errors import WrongDeclaration, suggestion

P = ParamSpec("P")
T = TypeVar("T")


def declaration(example: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Have the decorated function, which makes a decorator, tell what is wrong with a call of it.

    A call that does not fit the function's signature raises `WrongDeclaration`, which names the nearest option, or the
    example; so does one without parentheses, which gives the function itself.

    Parameters:
      example: how the decorator is written.
    """

    def decorate(maker: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(maker)

        @wraps(maker)
        def make(*arguments: P.args, **options: P.kwargs) -> T:
            _refuse_functions(maker.__name__, arguments, example)
            try:
                signature.bind(*arguments, **options)
            except TypeError as error:
                unknown = next((name for name in options if name not in signature.parameters), None)
                near = unknown and suggestion(unknown, signature.parameters, kind="arguments")
                raise WrongDeclaration(f"@{maker.__name__}: {error}", hint=near or f"write {example}") from None
            return maker(*arguments, **options)

        return make

    return decorate


@contextmanager
def restored(registry: dict[str, T], function: Callable[[str, T], object]) -> Iterator[None]:
    """Take back, behind the block, what was registered in it: what was there is there again, and what is new is gone.

    What a module registers as it is imported stays all the same, for it will not be imported again.

    Parameters:
      registry: what is registered, by name.
      function: returns the function behind a name and what is registered.
    """
    before = dict(registry)
    try:
        yield
    finally:
        new = {name: one for name, one in registry.items() if name not in before}
        registry.clear()
        registry.update(before)
        registry.update({name: one for name, one in new.items() if _is_of_module(function(name, one))})


def _is_of_module(function: object) -> bool:
    """Return whether a function was defined as its module was imported, and not within another function."""
    return "<locals>" not in getattr(function, "__qualname__", "")


def _refuse_functions(name: str, arguments: tuple[object, ...], example: str) -> None:
    """Raise where the decorator was given the function itself, as one without parentheses is."""
    if any(inspect.isroutine(argument) for argument in arguments):
        raise WrongDeclaration(f"@{name} was given no name, but the function itself", hint=f"write {example}")
