"""How large a payload may be: one limit per kind of payload, each with the setting that changes it.

A store carries the limits (`Database.limits`), so that every door of a process measures by the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest size of one kind of payload, in bytes of JSON, and the setting that changes it, if one does."""

    size: int
    setting: str | None = None

    @property
    def advice(self) -> str:
        """What to do about a payload that is larger."""
        other = f", or raise QUESTLINE_{self.setting.upper()}" if self.setting else ""
        return f"store large data elsewhere and pass a reference to it{other}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a process keeps, by default those of the settings' defaults.

    Parameters:
      input: the input data of a quest.
      params: the params of one step.
      stack: an execution stack, the params of all its steps included.
      output: the output of one step.
      state: all outputs of a quest together, wherever a whole state is read or written.
      memory: one thing that Lords remember: a version of a state or a context, an event, a to-do list.
    """

    input: Limit = Limit(256_000, "max_input_bytes")
    params: Limit = Limit(256_000, "max_params_bytes")
    stack: Limit = Limit(10_000_000, "max_stack_bytes")
    output: Limit = Limit(1_000_000, "max_output_bytes")
    state: Limit = Limit(200_000_000, "max_state_bytes")
    memory: Limit = Limit(1_000_000, "max_memory_bytes")

    @property
    def quest_file(self) -> int:
        """The largest file that can hold a quest, in bytes: what it may hold, and a fifth for how it is laid out."""
        return (self.input.size + self.stack.size) * 6 // 5


#: The limits of a process that has no settings of its own.
DEFAULTS = Limits()
