"""How methods of a state store are carried out, and told of."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

from questline_persistence.log import get_logger
from questline_persistence.memory.door import AsyncDoor
from questline_persistence.memory.states.operation import Operation
from questline_persistence.memory.states.states import States

P = ParamSpec("P")
T = TypeVar("T")
log = get_logger(__name__)


class StatesDoor(AsyncDoor):
    """A door to all that agents keep beside their quests."""

    _on_operation: Callable[[Operation], object] | None = None

    async def _do(self, method: Callable[Concatenate[States, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a method of `States` returns, carried out on a thread."""
        return await self._call(self._carry_out, method, args, kwargs)

    def _carry_out(self, method: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        started = perf_counter()
        try:
            result = method(States(self._kept), *args, **kwargs)
        except BaseException as error:
            self._tell(Operation(method.__name__, perf_counter() - started, error))
            raise
        self._tell(Operation(method.__name__, perf_counter() - started))
        return result

    def _tell(self, operation: Operation) -> None:
        """Tell whoever measures; what goes wrong there is no failure of the operation."""
        if self._on_operation is None:
            return
        try:
            self._on_operation(operation)
        except Exception:
            log.exception(
                "hook_failed", hook=getattr(self._on_operation, "__qualname__", type(self._on_operation).__name__)
            )
