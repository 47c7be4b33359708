"""The one task that asks the store on behalf of all who listen to a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread

from questline_gateway.live.listener import Listener
from questline_gateway.live.watching import Watching
from questline_persistence.log import get_logger
from questline_persistence.records.changes import ChangedQuests, Changes, FollowedQuests, Look
from questline_persistence.store import Database
from questline_scheduler.doorbells import Watch

#: Shortest and longest pause between two looks, in seconds: short while things change, longer while nothing does.
PAUSE_FIRST, PAUSE_LONGEST = 0.1, 1.0
#: Threads that ask on behalf of those who listen; they are apart from those of requests.
THREADS = 4

T = TypeVar("T")

log = get_logger(__name__)
_LIMITER = anyio.CapacityLimiter(THREADS)


async def in_thread(work: Callable[[], T]) -> T:
    """Return what work returns that waits for the store, done in a thread.

    Parameters:
      work: the work.
    """
    return await anyio.to_thread.run_sync(work, limiter=_LIMITER)


@dataclass(slots=True)
class _Followed:
    """A quest that somebody listens to, and what was seen of it last."""

    listeners: set[Listener[Look]]
    seen: Look | None = None
    version: int | None = None


class Reader:
    """Asks for as long as somebody listens, and tells all of them; the looks are as many for 200 of them as for one.

    Parameters:
      database: the store.
      namespace: the tenant.
      watch: returns what hears the broker, or None where there is nothing to hear.
    """

    def __init__(self, database: Database, namespace: str, watch: Callable[[], Watch | None] = lambda: None) -> None:
        self.quests = FollowedQuests(database, namespace)
        self._database = database
        self._namespace = namespace
        self._followed: dict[str, _Followed] = {}
        self._everything: set[Listener[Changes]] = set()
        self._changed: ChangedQuests | None = None
        self._fresh: set[Listener[Look] | Listener[Changes]] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._watch = watch
        self._watching: Watching | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody listens."""
        return not self._followed and not self._everything

    def follow(self, quest_id: str, listener: Listener[Look]) -> None:
        """Tell a listener what becomes of a quest, beginning with how it is.

        Parameters:
          quest_id: the quest.
          listener: who is told.
        """
        self._followed.setdefault(quest_id, _Followed(set())).listeners.add(listener)
        self._begin(listener)

    def follow_all(self, listener: Listener[Changes]) -> None:
        """Tell a listener which quests change; the first that it is told is nothing, once none is missed any more.

        Parameters:
          listener: who is told.
        """
        self._everything.add(listener)
        self._begin(listener)

    def leave(self, quest_id: str | None, listener: Listener[Look] | Listener[Changes]) -> None:
        """Tell a listener nothing more.

        Parameters:
          quest_id: the quest that it follows; None where it follows all.
          listener: who was told.
        """
        self._everything.discard(listener)
        self._fresh.discard(listener)
        followed = self._followed.get(quest_id) if quest_id is not None else None
        if followed is not None and quest_id is not None:
            followed.listeners.discard(listener)
            if not followed.listeners:
                del self._followed[quest_id]
        if self.idle and self._task is not None:
            self._task.cancel()
            self._task = None
            if self._watching is not None:
                self._watching.end()
                self._watching = None

    def wake(self) -> None:
        """Look now: something has been changed."""
        self._wake.set()

    def _begin(self, listener: Listener[Look] | Listener[Changes]) -> None:
        self._fresh.add(listener)
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
            self._listen()

    def _listen(self) -> None:
        """Look whenever the broker says so, from now on."""
        loop, watch = asyncio.get_running_loop(), self._watch()

        def moved() -> None:
            with suppress(RuntimeError):  # the loop has ended, and all who listened with it
                loop.call_soon_threadsafe(self.wake)

        if watch is not None:
            self._watching = Watching(watch, moved, self._namespace)

    async def _run(self) -> None:
        pause = PAUSE_FIRST
        while True:
            self._wake.clear()
            try:
                busy = await self._look()
            except Exception:  # those who listen do so on, and hear again once the store answers
                log.exception("live_look_failed", namespace=self._namespace)
                busy = False
            pause = PAUSE_FIRST if busy else min(2 * pause, PAUSE_LONGEST)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _look(self) -> bool:
        """Ask once for everybody, and tell what there is; return whether there was anything."""
        fresh, self._fresh = self._fresh, set()
        try:
            told = await self._look_at_quests(fresh)
            return await self._look_at_all(fresh) or told
        except BaseException:
            self._fresh |= fresh
            raise

    async def _look_at_quests(self, fresh: set[Listener[Look] | Listener[Changes]]) -> bool:
        if not self._followed:
            return False
        asked = {quest_id: one.version for quest_id, one in self._followed.items()}
        found = await in_thread(lambda: self.quests.look(asked))
        news = [quest_id for quest_id, look in found.items() if self._tell(quest_id, look, fresh)]
        return bool(news)

    def _tell(self, quest_id: str, look: Look, fresh: set[Listener[Look] | Listener[Changes]]) -> bool:
        """Tell those who follow a quest what was seen of it: the new ones always, others if it is news."""
        followed = self._followed.get(quest_id)
        if followed is None:
            return False
        news = followed.seen is None or bool(look.versions) or look.state != followed.seen.state
        for listener in followed.listeners:
            if news or listener in fresh:
                listener.put(look)
        followed.seen = look
        if look.versions:
            followed.version = look.versions[-1].version
        elif look.state is not None and (followed.version is None or look.state.version < followed.version):
            followed.version = look.state.version  # the first look; or another quest of this id, begun anew
        return news

    async def _look_at_all(self, fresh: set[Listener[Look] | Listener[Changes]]) -> bool:
        if not self._everything:
            self._changed = None
            return False
        if self._changed is None:
            self._changed = ChangedQuests(self._database, self._namespace)
        changes = await in_thread(self._changed.look)
        news = bool(changes.states or changes.deleted)
        for listener in self._everything:
            if news or listener in fresh:
                listener.put(changes)
        if changes.more:
            self._wake.set()
        return news
