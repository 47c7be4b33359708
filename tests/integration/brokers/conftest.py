"""Every kind of broker, for the one suite that all of them pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from questline_scheduler.doorbells import DoorbellBroker, open_broker
from tests.doorbells import QUEUES

KINDS = ("memory", "redis", "cluster")


@dataclass
class Site:
    """One broker, and how another worker of it comes to its messages: in memory there is but one process."""

    open: Callable[[], DoorbellBroker]
    shared: bool
    opened: list[DoorbellBroker] = field(default_factory=list)

    @property
    def broker(self) -> DoorbellBroker:
        """The broker as the first worker has it."""
        return self.opened[0] if self.opened else self.another()

    def another(self) -> DoorbellBroker:
        """Return the broker as one more worker has it."""
        if self.shared and self.opened:
            return self.opened[0]
        broker = self.open()
        broker.hold_as(f"w{len(self.opened)}")
        for queue in QUEUES:
            broker.declare_queue(queue)
        self.opened.append(broker)
        return broker


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = "memory://" if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")
    site = Site(lambda: open_broker(url, namespace="default"), shared=request.param == "memory")
    yield site
    for broker in site.opened:
        broker.close()


@pytest.fixture
def broker(site: Site) -> DoorbellBroker:
    return site.broker
