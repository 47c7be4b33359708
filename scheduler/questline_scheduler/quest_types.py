"""Quest types: functions that make a stack of steps from input data, so that a quest can be submitted by type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, TypeAlias, TypeVar

from questline_persistence.arguments import several
from questline_persistence.errors import (
    ConfigurationError,
    InvalidRecord,
    PayloadError,
    WrongDeclaration,
    message_of,
    suggestion,
    summary_of,
)
from questline_persistence.ids import NAME_HINT, is_name
from questline_persistence.models import MAX_STEPS, LordStep, QuestExecutionData, as_step
from questline_persistence.step_names import StepName
from questline_scheduler.declarations import declaration, restored

StackBuilder: TypeAlias = Callable[[dict[str, Any]], Sequence[LordStep | StepName]]
Builder = TypeVar("Builder", bound=StackBuilder)

_TYPES: dict[str, StackBuilder] = {}


@declaration('@quest_type("TYPE")')
def quest_type(name: str) -> Callable[[Builder], Builder]:
    """Register the decorated function as the way to make the stack of quests of type `name`.

    The function takes the quest's input data and returns its steps. If it raises an error, questline refuses the quest.
    The program that submits calls it, so only such programs need to import it.

    Parameters:
      name: the quest type.

    Returns:
      a decorator that returns the function as it is.

    Raises:
      ConfigurationError: the name is none, another function has it already, or the function takes no input data.

    Example:
      @quest_type("design_microservice")
      def design_microservice(input_data: dict) -> list[LordStep]:
          return [LordStep("architect", "design_system"), LordStep("forge_master", "generate_code")]
    """
    if not is_name(name):
        raise ConfigurationError(f"{name!r:.100} cannot be the name of a quest type", hint=NAME_HINT)

    def register(builder: Builder) -> Builder:
        _refuse_unfit(builder, name)
        known = _TYPES.get(name)
        if known is not None and _place(known) != _place(builder):
            raise ConfigurationError(
                f"the quest type {name!r} is registered twice", hint="give one of them another name"
            )
        _TYPES[name] = builder
        return builder

    return register


def _refuse_unfit(builder: object, name: str) -> None:
    """Raise where something is no function that can be called with input data."""
    hint = f"write: def {name}(input_data: dict) -> list[LordStep]"
    if not callable(builder):
        raise WrongDeclaration(f"{type(builder).__name__} makes no steps of the quest type {name!r}", hint=hint)
    with suppress(ValueError):  # some of Python's own functions tell no signature
        try:
            inspect.signature(builder).bind({})
        except TypeError:
            message = f"the function of the quest type {name!r} cannot be called with input data alone"
            raise WrongDeclaration(message, hint=hint) from None


def steps_of(quest: QuestExecutionData) -> list[LordStep]:
    """Return the steps of a quest, whose list may have grown since it was made, or those of its type.

    Raises:
      PayloadError: something in the list is no step; or it is empty, and as `build_stack`.
    """
    if quest.execution_stack:
        return [as_step(step) for step in quest.execution_stack]
    return build_stack(quest.quest_type, quest.input_data)


def build_stack(name: str, input_data: Mapping[str, Any]) -> list[LordStep]:
    """Return the steps of a quest of type `name`.

    Raises:
      PayloadError: the type is unknown, or its function refuses the input.
    """
    builder = _TYPES.get(name)
    if builder is None:
        known = suggestion(name, known_types(), kind="types") if _TYPES else "no type is known"
        raise PayloadError(f"unknown quest type {name!r}", hint=f"{known} {_IMPORT_HINT}")
    try:
        made: object = builder(dict(input_data))
        made = list(made) if isinstance(made, Iterator) else made  # a generator may refuse the input, too
    except Exception as error:
        raise PayloadError(f"quest type {name!r} refuses this input: {_said(error)}") from error
    stack = list(several(made, f"what quest type {name!r} returned", "a list of steps", 'such as ["LORD:TOOL"]'))
    if len(stack) > MAX_STEPS:
        raise PayloadError(f"quest type {name!r} returned {len(stack):,} steps; the limit is {MAX_STEPS:,}")
    try:
        return [as_step(step) for step in stack]
    except InvalidRecord as error:
        raise PayloadError(f"quest type {name!r} returned no step: {error.message}", hint=error.hint) from None


def _said(error: Exception) -> str:
    """Return what an error says; where it was not meant to refuse the input, with its class, too."""
    meant = type(error) is ValueError or type(error).__module__.startswith("questline_")  # ours, such as `Permanent`
    return message_of(error) if meant else summary_of(error)


_IMPORT_HINT = (
    "(for the command line, name the module that registers the type with -m or in QUESTLINE_LORDS; "
    "a program with a QuestClient imports that module itself)"
)


def restored_types() -> AbstractContextManager[None]:
    """Take back, behind the block, what types were registered in it, as `restored` does."""
    return restored(_TYPES, lambda _, builder: builder)


def known_types() -> list[str]:
    """Return the names of all registered types."""
    return sorted(_TYPES)


def told_of(name: str) -> str:
    """Return what the function of a registered type says that it does, in a line; "" where it says nothing."""
    return (inspect.getdoc(_TYPES[name]) or "").partition("\n")[0]


def _place(builder: StackBuilder) -> tuple[str, str]:
    """Return where a function is defined: a module imported twice registers the same function again."""
    return getattr(builder, "__module__", ""), getattr(builder, "__qualname__", repr(builder))
