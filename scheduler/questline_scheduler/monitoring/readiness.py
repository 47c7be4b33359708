"""Whether a process can do its work now: its store, the schema, its broker, and what else it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from questline_persistence import schema
from questline_persistence.errors import QuestlineError
from questline_persistence.store import Database
from questline_scheduler.doorbells import DoorbellBroker

#: Looks at something that must be there; raises an error where it is not.
Look = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one look.

    Parameters:
      name: what was looked at.
      ready: whether it is there.
      problem: what is wrong, and what to do; "" where nothing is.
    """

    name: str
    ready: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process is ready.

    Parameters:
      findings: what was looked at.
    """

    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether everything is there."""
        return all(finding.ready for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the readiness as JSON."""
        return {"ready": self.ready, "checks": [asdict(finding) for finding in self.findings]}


def look_at(looks: Mapping[str, Look]) -> Readiness:
    """Look at everything that a process needs, one after the other.

    Parameters:
      looks: what to look at, by its name.
    """
    return Readiness(tuple(_found(name, look) for name, look in looks.items()))


def needs(database: Database, broker: DoorbellBroker) -> dict[str, Look]:
    """Return what every process needs: a store with a schema that it knows, and a broker.

    Parameters:
      database: the store.
      broker: the broker.
    """
    return {"database": lambda: schema.require(database), "broker": broker.ping}


def _found(name: str, look: Look) -> Finding:
    try:
        look()
    except QuestlineError as error:
        return Finding(name, ready=False, problem=error.advice)
    except Exception as error:  # noqa: BLE001  (whatever it is, the process is not ready)
        return Finding(name, ready=False, problem=type(error).__name__)
    return Finding(name, ready=True)
