"""What the gateway reads and does of each namespace, over one store that all of them share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from copy import copy

from questline_persistence import schema
from questline_persistence.arguments import key_prefix
from questline_persistence.audit import Actor
from questline_persistence.costs import Budgets, Costs
from questline_persistence.memory import Kept
from questline_persistence.records import Backlog, QuestHistory, Queues, Statistics
from questline_persistence.settings import Settings
from questline_persistence.step_log import StepLog
from questline_persistence.store import Database
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells import DoorbellBroker, open_broker

#: Most namespaces whose clients are kept open; the one that was asked for longest ago goes first.
MAX_OPEN = 64


class Tenant:
    """One namespace, by the same objects that the command line works with; threads may share it.

    Parameters:
      database: the store.
      settings: the settings of the process; the namespace is theirs.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.namespace = settings.namespace
        self.actor = Actor.of_process(settings.actor)
        self.client = QuestClient(broker_url=settings.broker_url, namespace=self.namespace, database=database)
        self.repository = self.client.repository
        self.register = self.client.register
        self.history = QuestHistory(database, self.namespace)
        self.step_log = StepLog(database, self.namespace)
        self.costs = Costs(database, self.namespace)
        self.budgets = Budgets(database, self.namespace)
        self.statistics = Statistics(database, self.namespace)
        self.backlog = Backlog(database, self.namespace)
        self.queues = Queues(database, self.namespace)

    def acting_as(self, actor: Actor) -> Tenant:
        """Return the same namespace, in which somebody else acts.

        Parameters:
          actor: on whose behalf, as the audit tells it.
        """
        other = copy(self)
        other.actor = actor
        other.client = self.client.acting_as(actor)
        other.repository = other.client.repository
        return other

    def kept(self, prefix: str | None = None) -> Kept:
        """Return what Lords remember under a key prefix, to be looked at.

        Parameters:
          prefix: the key prefix; None means none.

        Raises:
          PayloadError: it can be no prefix.
        """
        return Kept(self.database, self.namespace, key_prefix(prefix), self.actor, shown=True)

    def now(self) -> float:
        """Return the database's time in epoch seconds."""
        return self.database.clock.now()


class Tenants:
    """The namespaces of one store. Nothing connects before the first of them is asked for.

    Parameters:
      settings: the settings of the process.
      database: the store.
      owned: whether closing these closes the store, too.
    """

    def __init__(self, settings: Settings, database: Database, *, owned: bool = True) -> None:
        self.settings = settings
        self.database = database
        #: Asked for whether it is there; each namespace rings by a broker of its own.
        self.broker: DoorbellBroker = open_broker(settings.broker_url, namespace=settings.namespace)
        self._owned = owned
        self._open: OrderedDict[str, Tenant] = OrderedDict()
        self._lock = threading.Lock()
        self._prepared = False

    def prepare(self) -> None:
        """Look at the store's schema, the first time; an embedded store is made where there is none.

        Raises:
          StoreUnavailable: the store cannot be reached.
          ConfigurationError: it has the wrong schema.
        """
        if not self._prepared:
            schema.ensure(self.database, auto_migrate=self.settings.auto_migrate)
            self._prepared = True

    def of(self, namespace: str) -> Tenant:
        """Return a namespace.

        Parameters:
          namespace: its name.

        Raises:
          StoreUnavailable: the store cannot be reached.
          ConfigurationError: it has the wrong schema.
        """
        with self._lock:
            found = self._open.get(namespace)
            if found is None:
                found = self._opened(namespace)
                self._open[namespace] = found
            self._open.move_to_end(namespace)
            oldest = self._open.popitem(last=False)[1] if len(self._open) > MAX_OPEN else None
        if oldest is not None:
            oldest.client.close()
        return found

    def close(self) -> None:
        """Close what was opened; a later call opens it again."""
        with self._lock:
            tenants, self._open = list(self._open.values()), OrderedDict()
        for tenant in tenants:
            tenant.client.close()
        self.broker.close()
        if self._owned:
            self.database.close()

    def _opened(self, namespace: str) -> Tenant:
        self.prepare()
        return Tenant(self.database, self.settings.model_copy(update={"namespace": namespace}))
