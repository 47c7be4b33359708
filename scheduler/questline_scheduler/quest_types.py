"""Quest types: functions that make a stack of steps from input data, so that a quest can be submitted by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from questline_persistence.errors import ConfigurationError, InvalidRecord, PayloadError, message_of, suggestion
from questline_persistence.models import MAX_STEPS, LordStep, as_step
from questline_persistence.step_names import StepName

StackBuilder: TypeAlias = Callable[[dict[str, Any]], Sequence[LordStep | StepName]]
Builder = TypeVar("Builder", bound=StackBuilder)

_TYPES: dict[str, StackBuilder] = {}


def quest_type(name: str) -> Callable[[Builder], Builder]:
    """Register the decorated function as the way to make the stack of quests of type `name`.

    The function takes the quest's input data and returns its steps; what it raises refuses the quest. It is called by
    whoever submits, so that only submitting programs need to import it.

    Parameters:
      name: the quest type.

    Returns:
      a decorator that returns the function as it is.

    Raises:
      ConfigurationError: another function has the name already.

    Example:
      @quest_type("design_microservice")
      def design_microservice(input_data: dict) -> list[LordStep]:
          return [LordStep("architect", "design_system"), LordStep("forge_master", "generate_code")]
    """

    def register(builder: Builder) -> Builder:
        known = _TYPES.get(name)
        if known is not None and _place(known) != _place(builder):
            raise ConfigurationError(
                f"the quest type {name!r} is registered twice", hint="give one of them another name"
            )
        _TYPES[name] = builder
        return builder

    return register


def build_stack(name: str, input_data: Mapping[str, Any]) -> list[LordStep]:
    """Return the steps of a quest of type `name`.

    Raises:
      PayloadError: the type is unknown, or its function refuses the input.
    """
    builder = _TYPES.get(name)
    if builder is None:
        known = suggestion(name, known_types(), kind="types") if _TYPES else "no type is known"
        raise PayloadError(f"unknown quest type {name!r}", hint=f"{known}; {_IMPORT_HINT}")
    try:
        stack = list(builder(dict(input_data)))
    except Exception as error:
        raise PayloadError(f"quest type {name!r} refuses this input: {message_of(error)}") from error
    if len(stack) > MAX_STEPS:
        raise PayloadError(f"quest type {name!r} returned {len(stack):,} steps; the limit is {MAX_STEPS:,}")
    try:
        return [as_step(step) for step in stack]
    except InvalidRecord as error:
        raise PayloadError(f"quest type {name!r} returned no step: {error.message}", hint=error.hint) from None


_IMPORT_HINT = (
    "import the module that registers it before you submit: "
    "only the command line imports those of QUESTLINE_LORDS, QuestClient does not"
)


def known_types() -> list[str]:
    """Return the names of all registered types."""
    return sorted(_TYPES)


def _place(builder: StackBuilder) -> tuple[str, str]:
    """Return where a function is defined: a module imported twice registers the same function again."""
    return getattr(builder, "__module__", ""), getattr(builder, "__qualname__", repr(builder))
