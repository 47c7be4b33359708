"""Lords and quest types that a test registers for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from questline_scheduler.quest_types import restored_types
from questline_scheduler.step_defaults import restored_defaults
from questline_worker.lords import find_handler, restored_handlers


@contextmanager
def own_registrations() -> Iterator[None]:
    """Take back, behind the block, the Lords and quest types that are registered in it.

    Those of a module that is imported in the block stay, because Python imports it once.

    Returns:
      a context manager.

    Example:
      with own_registrations():

          @lord("reviewer", "guess")
          def guess(ctx: LordContext) -> str:
              return "fine"

          assert run_step(guess).output == "fine"
    """
    with restored_handlers(), restored_defaults(_function_of), restored_types():
        yield


def _function_of(handler: str) -> object:
    """Return the function of a handler as it is registered in the block; None if it is no longer."""
    found = find_handler(handler)
    return None if found is None else found.function
