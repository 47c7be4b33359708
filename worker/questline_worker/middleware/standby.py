"""The middleware that finds work in SQL while the broker is away, full or read-only.

A broker that is full answers, and hands out what it has: an idle worker would never know that bells are refused. So
each process tries a tiny write now and then, and while that fails looks for itself into SQL, which knows all.
"""

from __future__ import annotations

import dramatiq
from dramatiq.middleware import Middleware
from dramatiq.worker import ConsumerThread

from questline_persistence.claims import Doorbell
from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.recovery import Bells
from questline_scheduler.doorbells import DoorbellBroker, DoorbellConsumer, HandedMessage, message_for
from questline_scheduler.loops import Loop, Shortlist

log = get_logger(__name__)

#: Seconds between two tries whether the broker takes bells.
PROBE_SECONDS = 2.0
#: Seconds between two looks for work, while the broker takes bells and while it does not.
IDLE_SECONDS, LOOK_SECONDS = 0.5, 0.1


class BrokerWatch:
    """Knows whether the broker takes bells.

    Parameters:
      broker: the broker.
    """

    name = "broker-watch"
    interval = PROBE_SECONDS

    def __init__(self, broker: DoorbellBroker) -> None:
        self._broker = broker
        #: Whether the last try failed.
        self.away = False

    def run_once(self, *, now: float | None = None) -> None:  # noqa: ARG002  (it goes by no clock)
        """Try it, and tell people of a change."""
        try:
            self._broker.probe()
        except StoreUnavailable as error:
            if not self.away:
                log.warning("broker_unavailable", error=error.message, hint=error.hint)
            self.away = True
        else:
            if self.away:
                log.info("broker_back")
            self.away = False


class Standby(Middleware):
    """Gives idle threads what is due by SQL, for as long as the broker takes no bells.

    Parameters:
      broker: the broker.
      bells: knows what is due.
    """

    name = "standby"

    def __init__(self, broker: DoorbellBroker, bells: Bells) -> None:
        self.interval = IDLE_SECONDS
        self._broker = broker
        self._bells = bells
        self._shortlist = Shortlist(bells)
        self._threads: dict[str, ConsumerThread] = {}
        self._watch = BrokerWatch(broker)
        self._loops = [Loop(self._watch), Loop(self)]

    def after_consumer_thread_boot(self, broker: dramatiq.Broker, thread: ConsumerThread) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Know the thread through which a queue's messages reach the worker's threads."""
        self._threads[thread.queue_name] = thread

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Begin to watch."""
        for loop in self._loops:
            loop.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Give the threads nothing more."""
        for loop in reversed(self._loops):
            loop.stop()

    def run_once(self, *, now: float | None = None) -> None:
        """Give each idle thread a step, if the broker is away."""
        self.interval = LOOK_SECONDS if self._watch.away else IDLE_SECONDS
        idle = self._broker.free_threads.idle() if self._watch.away else 0
        consumers = {name: thread for name, thread in [*self._threads.items()] if thread.consumer is not None}
        if idle <= 0 or not consumers:
            return
        bells = self._shortlist.due(limit=idle, queues=consumers.keys(), now=now)
        left = [bell for bell in bells if not _offer(consumers[bell.queue], bell)]
        if left:
            self._bells.ring_soon(left, now=now)


def _offer(thread: ConsumerThread, bell: Doorbell) -> bool:
    """Give a bell to the threads; False if they are about to end."""
    consumer = thread.consumer
    if not isinstance(consumer, DoorbellConsumer) or not consumer.reserve(own=True):
        return False
    thread.handle_message(HandedMessage(message_for(bell), consumer.free))
    return True
