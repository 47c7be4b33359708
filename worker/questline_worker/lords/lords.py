"""Lords: the functions that run steps, registered by name."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from questline_persistence.errors import ConfigurationError, WrongDeclaration, message_of, suggestion
from questline_persistence.models import LordStep, wrong_field
from questline_persistence.step_names import give_names, names_of
from questline_scheduler.declarations import declaration, restored
from questline_scheduler.step_defaults import StepDefaults, declare
from questline_worker.lords.parameters import Parameter, read_parameters
from questline_worker.own_imports import is_ours, keep_own_imports

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """The function registered for a Lord and tool, ready to be called."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...] = field(repr=False)


_HANDLERS: dict[str, Handler] = {}


@declaration('@lord("LORD", "TOOL")')
def lord(
    lord_name: str,
    tool_name: str,
    *,
    queue: str | None = None,
    timeout: float | None = None,
    max_attempts: int | None = None,
) -> Callable[[Function], Function]:
    """Register the decorated function, sync or async, as the handler of a Lord's tool.

    Its first parameter receives the `LordContext`. The others are filled by name from the step's params,
    then the quest's input, then the output of a Lord of that name, and validated by their annotations. What it
    returns becomes the Lord's output: JSON, or what has a JSON form that annotations read back (Pydantic models,
    dataclasses, dates and times, Decimal, UUID, Enum).

    Parameters:
      lord_name: the Lord.
      tool_name: the tool.
      queue: queue of steps that name none.
      timeout: seconds that an attempt may take, for steps that do not say.
      max_attempts: failures that a step may have, for steps that do not say.

    Returns:
      a decorator that returns the function as it is, so that a test can call it.

    Raises:
      ConfigurationError: a name or option is wrong, another function has the names already, or the
        function's parameters cannot be filled by name.

    Example:
      @lord("architect", "design_system", timeout=60)
      def design_system(ctx: LordContext, service: str) -> dict:
          return {"service": service, "modules": ["api", "storage"]}
    """
    name = _checked_name(lord_name, tool_name, queue, timeout, max_attempts)

    def register(function: Function) -> Function:
        known = _HANDLERS.get(name)
        if known is not None and _place(known.function) != _place(function):
            message = f"{name} is registered twice: {_shown(known.function)} and {_shown(function)}"
            raise ConfigurationError(message, hint="give one of them another tool name, or remove it")
        _refuse_unfit(function, name)
        parameters = read_parameters(function, name)
        _HANDLERS[name] = Handler(name, function, parameters)
        declare(name, StepDefaults(queue, timeout, max_attempts))
        _tell_names(function, name)
        return function

    return register


def _refuse_unfit(function: object, name: str) -> None:
    """Raise where something is no function, or one whose output could never be kept."""
    if not callable(function):
        hint = f"write @lord(…) above the function that runs {name}"
        raise WrongDeclaration(f"{type(function).__name__} is no handler of {name}", hint=hint)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        message = f"the handler of {name} yields, and questline cannot keep what a generator gives"
        raise ConfigurationError(message, hint="return a list instead")


def _tell_names(function: Callable[..., Any], name: str) -> None:
    """Let a function bear the names that it is registered under, so that `LordStep` can be given it."""
    # A decorator may have copied those of the function that it wraps.
    own = [one for one in names_of(function) if one in _HANDLERS and _HANDLERS[one].function is function]
    give_names(function, dict.fromkeys((*own, name)))


@contextmanager
def replaced(name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Have a function run the steps called `lord:tool` for as long as the block lasts, whatever else is registered.

    Parameters:
      name: the steps.
      function: what runs them; it keeps the names that it has.

    Raises:
      ConfigurationError: the function cannot run steps.
    """
    _refuse_unfit(function, name)
    handler, before = Handler(name, function, read_parameters(function, name)), _HANDLERS.get(name)
    _HANDLERS[name] = handler
    try:
        yield
    finally:
        if before is None:
            _HANDLERS.pop(name, None)
        else:
            _HANDLERS[name] = before


def restored_handlers() -> AbstractContextManager[None]:
    """Take back, behind the block, what Lords were registered in it, as `restored` does."""
    return restored(_HANDLERS, lambda _, handler: handler.function)


def find_handler(name: str) -> Handler | None:
    """Return the handler called `lord:tool`, or None."""
    return _HANDLERS.get(name)


def is_async(name: str) -> bool:
    """Return whether the handler called `lord:tool` is known for a coroutine function; a decorator may hide that."""
    handler = _HANDLERS.get(name)
    return handler is not None and inspect.iscoroutinefunction(handler.function)


def known_handlers() -> list[str]:
    """Return the names of all registered handlers, sorted."""
    return sorted(_HANDLERS)


def import_lords(modules: Sequence[str]) -> None:
    """Import the modules that register Lords; the working directory is importable.

    Raises:
      ConfigurationError: a module is missing or fails while it is imported; the error's cause tells why.
    """
    here = os.getcwd()  # noqa: PTH109  (sys.path holds strings)
    keep_own_imports()
    if here not in sys.path:
        sys.path.insert(0, here)
    for module in modules:
        _refuse_taken_name(module)
        try:
            importlib.import_module(module)
        except ConfigurationError:
            raise
        except (Exception, SystemExit) as error:
            message = f"cannot import {module}: {type(error).__name__}: {message_of(error)}{_place_of(error)}"
            raise ImportFailed(message, hint=_import_hint(module, error)) from error


class ImportFailed(ConfigurationError):
    """questline cannot import a module that should register Lords.

    What to do:
      Name the module as in an import (`shop.lords`, not `shop/lords.py`), and be in a folder from which Python can
      import it. If the module itself raises an error, the message names the file and the line.
    """

    code = "import"


def _refuse_taken_name(module: str) -> None:
    """Check that a module in the working directory is not hidden by one of Python's, or of a library of ours."""
    name = module.partition(".")[0]
    if is_ours(name) and (Path(name).is_dir() or Path(f"{name}.py").is_file()):
        message = f"cannot import {module}: the name is taken by Python's own module, or by a library of questline's"
        raise ImportFailed(message, hint="rename it")


def _import_hint(module: str, error: BaseException) -> str | None:
    if module.endswith(".py") or "/" in module:
        return f"give a module name, not a file: {module.removesuffix('.py').strip('./').replace('/', '.')}"
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        there = _modules_beside(module)
        near = f"; {suggestion(module, there, kind='modules')}" if there else ""
        return f"name a module that can be imported from the working directory{near}"
    return None


def _modules_beside(module: str) -> list[str]:
    """Return the modules in the package that a module should be in, or else in the working directory."""
    package = module.rpartition(".")[0]
    if package:
        places = getattr(sys.modules.get(package), "__path__", [])
        return [f"{package}.{found.name}" for found in pkgutil.iter_modules(places)]
    return [found.name for found in pkgutil.iter_modules([os.getcwd()])]  # noqa: PTH109  (as above)


def _place_of(error: BaseException) -> str:
    """Return the line of the user's module that failed, for an error message."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    if isinstance(error, SyntaxError) or frames[-1].filename == __file__:
        return ""  # a syntax error says so itself; and where no module was found, there is no line
    return f" ({frames[-1].filename}, line {frames[-1].lineno})"


def _checked_name(
    lord_name: str, tool_name: str, queue: str | None, timeout: float | None, max_attempts: int | None
) -> str:
    """Return `lord:tool` after checking everything as a step would be."""
    options = {"queue": queue, "timeout_seconds": timeout, "max_attempts": max_attempts}
    given = {key: value for key, value in options.items() if value is not None}
    try:
        return LordStep.model_validate({"lord_name": lord_name, "tool_name": tool_name, **given}, strict=True).handler
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message, hint = wrong_field(first)
        message = message.replace("timeout_seconds", "timeout", 1)
        raise ConfigurationError(f"@lord({lord_name!r}, {tool_name!r}): {message}", hint=hint) from None


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    """Return where a function is defined: a module imported twice registers the same function again."""
    return function.__module__, function.__qualname__


def _shown(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
