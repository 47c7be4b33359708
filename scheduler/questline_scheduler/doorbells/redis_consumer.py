"""Takes doorbells from one Redis queue, for one Dramatiq consumer thread.

Whatever the broker does, the thread must live: Dramatiq waits seconds before it restarts one, and may not at
all. So errors are logged here and end nothing. Acks need not be sent at once: they travel with the next fetch.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from dramatiq import Message, MessageProxy

from questline_persistence.log import get_logger
from questline_scheduler.doorbells.bell_message import MAX_MESSAGE_BYTES, bell_named, message_for
from questline_scheduler.doorbells.doorbell_consumer import DoorbellConsumer, HandedMessage
from questline_scheduler.doorbells.free_threads import FreeThreads
from questline_scheduler.doorbells.redis_errors import BROKER_ERRORS
from questline_scheduler.doorbells.redis_queue import CHUNK, NO_ID, RedisQueue

log = get_logger(__name__)

#: How long the broker is not told that a lone bell was taken, in seconds: its thread needs Python's lock first.
TOLD_SECONDS = 0.004
#: Longest single wait for a bell, in seconds: a closed consumer returns within it.
LONGEST_LISTEN = 1.0
#: First and longest wait after the broker failed, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
#: Seconds between two log lines on the same trouble.
LOG_INTERVAL = 5.0
#: How long a bell may wait in this process for a thread, in seconds: what is done in that time is fetched ahead.
AHEAD_SECONDS = 0.01
#: How much of a message that is no doorbell is logged, in bytes.
LOGGED_BYTES = 200


class RedisConsumer(DoorbellConsumer):
    """An endless iterator over the messages of one queue; None is its answer where none came in time.

    Parameters:
      queue: where the bells are.
      queue_name: the queue's name.
      worker_id: returns in whose name they are held; a worker that was taken for dead goes on under a new one.
      prefetch: most messages in hand.
      timeout: seconds that one look waits for a bell.
      free_threads: the threads that it shares with other consumers.
      on_drop: called once for each message that is no doorbell.
    """

    def __init__(
        self,
        queue: RedisQueue,
        queue_name: str,
        worker_id: Callable[[], str],
        *,
        prefetch: int,
        timeout: float,
        free_threads: FreeThreads,
        on_drop: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._queue_name = queue_name
        self._current_worker_id = worker_id
        self._worker_id = worker_id()
        self._prefetch = prefetch
        self._free_threads = free_threads
        self._timeout = max(0.01, min(timeout, LONGEST_LISTEN))  # BLPOP takes 0 for "for ever"
        self._on_drop = on_drop
        self._changed = threading.Condition()
        self._sending = threading.RLock()
        self._cache: deque[Message[Any]] = deque()
        self._held: set[bytes] = set()
        self._reserved = 0
        #: What is done, and what was taken as its token told: both are yet to be said to the broker.
        self._done: list[bytes] = []
        self._told: list[bytes] = []
        self._listening = False
        self._closed = False
        #: Whether the broker may hold bells in our name that nobody here has.
        self._doubtful = False
        self._failures = 0
        self._quiet_until = 0.0
        self._acked = 0
        self._fetched_at = time.monotonic()

    def __next__(self) -> MessageProxy | None:
        try:
            if not self._cache and self._await_places() and not self._fetch():
                self._listen()
        except BROKER_ERRORS as error:
            self._pause_after(error)
        return MessageProxy(self._cache.popleft()) if self._cache else None

    def ack(self, message: MessageProxy) -> None:
        """Note that the message is done; the broker learns it with the next fetch, or now if that may be long."""
        self._free_threads.note_done()
        if isinstance(message, HandedMessage):
            message.free()
            return
        name = message.message_id.encode()
        with self._changed:
            self._held.discard(name)
            self._done.append(name)
            self._acked += 1
            if self._free_places() > 0:
                self._changed.notify_all()
            now = self._listening or self._closed or not self._prefetch
        # Whoever finds another one at it leaves it to the next fetch: behind a broker that stalls a queue would form.
        if now and self._sending.acquire(blocking=self._closed):
            try:
                self._try(self._send_done)
            finally:
                self._sending.release()

    def nack(self, message: MessageProxy) -> None:
        """Note that the message is done: there is no dead-letter queue, since SQL knows how the step stands."""
        self.ack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give messages that nobody began back to the queue."""
        names = set()
        for message in messages:
            if isinstance(message, HandedMessage):
                message.free()
            else:
                names.add(message.message_id.encode())
        with self._changed:
            self._held -= names
        if names:
            with self._sending:  # the reply to a fetch that is on its way must not unsay it
                self._doubtful = True  # until they are back
                self._try(self._reclaim)

    def reserve(self, *, own: bool) -> bool:
        """Take the caller's place, or any while the queue is known to be empty."""
        with self._changed:
            # A bell that was just taken from its token was the only one there.
            empty = self._listening or bool(self._told)
            spare = not self._closed and (own or (empty and self._free_places() > 0))
            self._reserved += spare
        return spare

    def free(self) -> None:
        """Give a reserved place back."""
        with self._changed:
            self._reserved -= 1
            self._changed.notify_all()

    def retire(self) -> None:
        """Fetch nothing more; what is in hand may still be acknowledged or given back."""
        with self._changed:
            self._prefetch = 0

    def close(self) -> None:
        """Give back what was not handed out, and send the acks that are left."""
        with self._changed:
            self._closed = True
            self._held -= {message.message_id.encode() for message in self._cache}
            self._cache.clear()
            self._changed.notify_all()
        self._try(self._reclaim)

    def _await_places(self) -> int:
        """Return how many messages may be fetched; if none, wait until an ack frees a place."""
        if self._told:
            with self._changed:
                self._changed.wait(TOLD_SECONDS)
            if self._free_places() <= 0:
                self._send_done()  # it may take long until there is one, and others would fetch what is ours
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._free_places() > 0, self._timeout)
            return 0 if self._closed else max(0, self._free_places())

    @property
    def in_hand(self) -> int:
        """How many messages were taken from here, or put into its places, and are not done."""
        return len(self._held) + self._reserved

    def look_again(self) -> None:
        """Find out whether there is a thread now."""
        with self._changed:
            self._changed.notify_all()

    def _free_places(self) -> int:
        """Return how many messages may be fetched: as the threads allow, yet each queue gets its turn."""
        own = self._prefetch - self.in_hand
        if own <= 0:
            return own
        turn = 1 if not self.in_hand and self._free_threads.done_lately() else 0
        return min(own, max(self._free_threads.spare(), turn))

    def _fetch(self) -> bool:
        """Fill the cache; return False if the queue is empty."""
        with self._sending:  # what is reclaimed meanwhile must not be what is on its way here
            if self._doubtful:
                self._reclaim()
            with self._changed:
                wanted = max(0, self._free_places() + self._ahead())
            if not wanted:
                return True  # the places were taken meanwhile; to listen now would say that nobody waits
            self._doubtful = True  # until the reply is here: a lost one leaves bells held that nobody has
            fetched = self._send_done(wanted)
            self._doubtful = False
            self._failures = 0
            for name in fetched:
                self._accept(name)
        return bool(fetched)

    def _ahead(self) -> int:
        """Return how many bells to fetch beyond the threads: as many as were done lately in the time one may wait."""
        now = time.monotonic()
        acked, seconds = self._acked, now - self._fetched_at
        self._acked, self._fetched_at = 0, now
        return min(self._prefetch, int(acked / seconds * AHEAD_SECONDS)) if seconds else 0

    def _accept(self, name: bytes) -> None:
        """Take a fetched bell into the cache, or drop what is none."""
        bell = None
        if len(name) <= MAX_MESSAGE_BYTES and name.isascii():
            bell = bell_named(name.decode(), self._queue_name)
        with self._changed:
            if bell is None:
                self._done.append(name)
            elif name not in self._held:  # rung again since it is in hand for so long
                self._held.add(name)
                self._cache.append(message_for(bell))
        if bell is None:
            self._on_drop()
            log.warning("message_dropped", queue=self._queue_name, head=repr(name[:LOGGED_BYTES]))

    def _listen(self) -> None:
        """Wait for a bell, and take the one of which the token tells, or fetch some.

        Who listens is known to have an empty queue: meanwhile the threads may be given steps that did not come from it.
        """
        with self._changed:
            if self._done:  # acknowledged since the last fetch, and nobody would tell the broker meanwhile
                return
            self._listening = True
        try:
            token = self._queue.listen(self._timeout)
        finally:
            self._listening = False
        if token is None:
            return
        if self._free_places() <= 0:
            self._queue.pass_on(token)  # the bell stays where it is, for whoever has a place
        elif token == NO_ID:
            self._fetch()
        else:
            self._accept(token)
            with self._changed:
                self._told.append(token)

    def _send_done(self, wanted: int = 0) -> list[bytes]:
        """Tell the broker what is done and taken; if that fails, it is told next time.

        Parameters:
          wanted: how many bells to fetch by the same call.

        Returns:
          the ids of what was fetched.
        """
        with self._sending:  # in order: a bell that is done before it was taken would be held for ever
            self._take_name()
            with self._changed:
                done, self._done = self._done[:CHUNK], self._done[CHUNK:]
                told, self._told = self._told, []
            try:
                return self._queue.fetch(self._worker_id, wanted, done, told)
            except BROKER_ERRORS:
                with self._changed:
                    self._done += done
                    self._told += told
                raise

    def _take_name(self) -> None:
        """Give all back that is held under a name that this worker has no longer, and go on under the new one."""
        name = self._current_worker_id()
        if name != self._worker_id:
            self._queue.reclaim(self._worker_id)
            self._worker_id = name

    def _reclaim(self) -> None:
        """Give back what the broker believes to be in our hands and is not."""
        with self._sending:
            while self._done or self._told:
                self._send_done()
            with self._changed:
                kept = [*self._held, *self._done]
            self._queue.reclaim(self._worker_id, kept)
            self._doubtful = False

    def _try(self, action: Callable[[], object]) -> None:
        """Do something for the broker's sake that needs not succeed."""
        try:
            action()
        except BROKER_ERRORS as error:
            self._log_failure(error)

    def _pause_after(self, error: Exception) -> None:
        """Log an error of the broker and wait a little, so that a dead one costs no processor time."""
        self._log_failure(error)
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
        with self._changed:
            self._changed.wait_for(lambda: self._closed, pause)

    def _log_failure(self, error: Exception) -> None:
        """Log an error of the broker, unless one was logged a moment ago."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + LOG_INTERVAL
            log.warning("broker_unavailable", queue=self._queue_name, error=str(error) or type(error).__name__)
