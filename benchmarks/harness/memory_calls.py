"""The calls by which programs keep and find what Lords remember, through the public classes, each of them timed."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from benchmarks.harness.memory_things import context, event, session, state, story_of
from benchmarks.harness.statistics import percentile
from questline.memory import ContextPersistence, DbStateManager, StateStore, WorkflowContext

#: Contexts of a batch.
BATCH = 10
#: Snapshots to restore.
SNAPSHOTS = 100
#: Calls before any is timed: connections are opened, statements prepared.
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call.

    Parameters:
      limit: longest that it may take, in milliseconds.
      work: makes one.
    """

    limit: float
    work: Callable[[], object]

    async def timed(self, times: int) -> tuple[float, float]:
        """Make it so many times; return the median and the 95th percentile in milliseconds."""
        taken = []
        for _ in range(WARM_UP + times):
            started = time.perf_counter()
            result = self.work()
            if inspect.isawaitable(result):
                await result
            taken.append((time.perf_counter() - started) * 1000)
        return percentile(taken[WARM_UP:], 0.5), percentile(taken[WARM_UP:], 0.95)


class MemoryCalls:
    """All kinds of calls on one store that `filling` has filled, each about something of a random number.

    Parameters:
      url: the store.
      count: how many there are of each kind.
    """

    def __init__(self, url: str, count: int) -> None:
        self._count = count
        self._draw = random.Random(count)  # noqa: S311  (numbers, not secrets)
        self._states = StateStore(url)
        self._contexts = ContextPersistence(url)
        self._sessions = DbStateManager(url)
        self._stack = AsyncExitStack()
        self._snapshots: list[str] = []
        self._made = count

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._states)
        await self._stack.enter_async_context(self._sessions)
        self._stack.enter_context(self._contexts)
        self._snapshots = [await self._states.create_snapshot(self._name("agent")) for _ in range(SNAPSHOTS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def all(self) -> Mapping[str, Call]:
        """Return the calls by their names, with what each may take."""
        return {**self._of_states(), **self._of_events(), **self._of_contexts(), **self._of_sessions()}

    def _of_states(self) -> dict[str, Call]:
        states = self._states
        return {
            "agent state save": Call(5, lambda: states.save_agent_state(state(self._name("agent"), self._new()))),
            "agent state load": Call(2, lambda: states.load_agent_state(self._name("agent"))),
            "list of 100 agents": Call(10, states.list_agents),
            "snapshot create": Call(2, lambda: states.create_snapshot(self._name("agent"))),
            "snapshot restore": Call(5, lambda: states.restore_snapshot(self._draw.choice(self._snapshots))),
        }

    def _of_events(self) -> dict[str, Call]:
        states = self._states
        return {
            "event save": Call(3, lambda: states.save_event(event(self._name("session"), self._new()))),
            "event search, a word of all": Call(50, lambda: states.search_events("repository")),
            "event search, a word of one in 1,000": Call(
                50, lambda: states.search_events(f"kind{self._number() % 1000}")
            ),
            "event search, a word of one": Call(50, lambda: states.search_events(f"file{self._number()}")),
        }

    def _of_contexts(self) -> dict[str, Call]:
        contexts, whole = self._contexts, context("workflow", 0)
        return {
            "context save": Call(50, lambda: contexts.save_context(self._context())),
            "context load": Call(50, lambda: contexts.load_context(self._name("workflow"))),
            f"batch of {BATCH} contexts": Call(
                100, lambda: contexts.save_contexts([self._context() for _ in range(BATCH)])
            ),
            "latest context of a story": Call(50, lambda: contexts.get_latest_context(*story_of(self._number()))),
            "versions of a story's contexts": Call(
                50, lambda: contexts.get_context_versions(*story_of(self._number()))
            ),
            "contexts of an epic": Call(50, lambda: contexts.get_contexts_by_epic(story_of(self._number())[0])),
            "contexts of a feature": Call(
                50, lambda: contexts.get_contexts_by_feature(f"feature{self._number() % 1000}")
            ),
            "active contexts": Call(50, contexts.get_active_contexts),
            "context to JSON and back": Call(10, lambda: WorkflowContext.from_json(whole.to_json())),
        }

    def _of_sessions(self) -> dict[str, Call]:
        sessions = self._sessions
        return {
            "session state save": Call(50, lambda: sessions.save_state(self._name("session"), session(self._new()))),
            "session state load": Call(50, lambda: sessions.load_state(self._name("session"))),
        }

    def _number(self) -> int:
        return self._draw.randrange(self._count)

    def _name(self, kind: str) -> str:
        return f"{kind}-{self._number()}"

    def _new(self) -> int:
        """Return a number that nothing bears, so that what is saved is never what is there."""
        self._made += 1
        return self._made

    def _context(self) -> WorkflowContext:
        number = self._number()
        return context(f"workflow-{number}", self._new(), story_of(number))


def limits() -> Mapping[str, float]:
    """Return what each kind of call may take, in milliseconds."""
    return {name: call.limit for name, call in MemoryCalls("sqlite://", 1).all().items()}
