import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from questline_persistence.claims import Doorbell
from questline_persistence.errors import QuestConflict
from questline_worker.executor import drive as module
from questline_worker.executor.drive import Drive


class Bells:
    """An executor's broker, as far as one quest is concerned."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.wake: Callable[[], object] = lambda: None

    def attended(self, _quest_id: str, wake: Callable[[], object]) -> Any:
        self.wake = wake
        return nullcontext()

    def take(self, _quest_id: str) -> Any:
        return self.waiting.pop() if self.waiting else None


def test_a_bell_that_comes_while_one_looks_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_FIRST", 30.0)
    bells, looks, begun = Bells(), list[bool](), list[Doorbell]()
    ring = Doorbell("q", 0, "0001")

    async def look() -> bool:
        looks.append(True)
        if len(looks) == 1:  # the answer was read before the bell came
            bells.waiting.append(ring)
            bells.wake()
            await asyncio.sleep(0)
        return len(looks) == 1

    async def step(_self: Drive, bell: Doorbell) -> bool:
        begun.append(bell)
        return True

    async def begin() -> None: ...

    async def main() -> None:
        steps: Any = SimpleNamespace()
        await asyncio.wait_for(Drive("q", steps, bells, lambda _: None, look).to_its_end(begin), 10)  # type: ignore[arg-type]

    monkeypatch.setattr(Drive, "_step", step)
    asyncio.run(main())
    assert begun == [ring]


@pytest.mark.parametrize("owners", [0, 1])
def test_a_drive_takes_back_its_own_cancellation_and_no_other(owners: int) -> None:
    left: list[int] = []

    async def driven() -> None:
        nothing: Any = None
        drive, task = Drive("q", nothing, nothing, nothing, nothing), asyncio.current_task()
        assert task is not None
        for _ in range(owners):
            asyncio.get_running_loop().call_soon(task.cancel)
        drive.stop()
        try:  # as an executor does
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            if drive.end():
                raise QuestConflict("closed") from None
            raise
        finally:
            drive.end()
            left.append(task.cancelling())

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError if owners else QuestConflict):
            await asyncio.ensure_future(driven())

    asyncio.run(main())
    assert left == [owners]
