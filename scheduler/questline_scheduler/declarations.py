"""Decorators that tell how they are written: a wrong call of one is a sentence that names the fix."""

from __future__ import annotations

import inspect
from collections.abc import Callable
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


def _refuse_functions(name: str, arguments: tuple[object, ...], example: str) -> None:
    """Raise where the decorator was given the function itself, as one without parentheses is."""
    if any(inspect.isroutine(argument) for argument in arguments):
        raise WrongDeclaration(f"@{name} was given no name, but the function itself", hint=f"write {example}")
