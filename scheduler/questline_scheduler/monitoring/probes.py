"""What a process answers to those who watch it: by path, the same from a worker, a scheduler and the gateway."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version as version_of
from typing import Any

from questline_persistence.errors import StoreUnavailable
from questline_persistence.log import get_logger
from questline_persistence.schema import HEAD
from questline_scheduler.monitoring.exposition import page_of
from questline_scheduler.monitoring.fresh import Fresh
from questline_scheduler.monitoring.gauges import Gauges
from questline_scheduler.monitoring.metrics import BUILD
from questline_scheduler.monitoring.readiness import Finding, Look, Readiness, look_at
from questline_scheduler.monitoring.tally import Sample, Tally

log = get_logger(__name__)

#: For how many seconds an answer about readiness is good.
KEEP_READINESS = 1.0
#: For how many seconds the gauges are good: however many ask, the store is asked no oftener.
KEEP_GAUGES = 5.0
#: How many seconds one who asks waits for the store or the broker at most; probes give up after a few, too.
WAIT_SECONDS = 3.0

#: The paths that are answered.
PATHS = ("/livez", "/healthz", "/readyz", "/version", "/metrics")
_NO_METRICS = "prometheus-client is not installed, which writes the metrics; run: pip install 'questline[metrics]'"


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """One answer.

    Parameters:
      status: the status of HTTP.
      content_type: what the body is.
      body: the body.
    """

    status: HTTPStatus
    content_type: str
    body: bytes


class Probes:
    """Answers probes for one process.

    `/livez` asks nothing of anybody: while the store or the broker is away a process is not ready, and yet alive; to
    restart it would change nothing. `/healthz` is another name of it.

    Parameters:
      looks: what the process needs to be ready, by name.
      gauges: what the store says.
      tally: what the process did.
      alive: whether its main loop runs.
      code_version: which code runs, as the settings name it.
    """

    def __init__(
        self,
        looks: Mapping[str, Look],
        gauges: Gauges,
        tally: Tally,
        *,
        alive: Callable[[], bool] = lambda: True,
        code_version: str = "",
    ) -> None:
        self._alive = alive
        self._tally = tally
        self._readiness = Fresh(lambda: look_at(looks), keep=KEEP_READINESS, wait=WAIT_SECONDS)
        self._gauges = Fresh(gauges.read, keep=KEEP_GAUGES, wait=WAIT_SECONDS)
        self._version = {**versions(), "schema": HEAD, "code_version": code_version}

    def answer(self, path: str, accept: str = "") -> ProbeAnswer | None:
        """Return the answer to a GET; None for a path that is none of `PATHS`.

        It never raises, and takes hardly longer than `WAIT_SECONDS`, whatever the store does.

        Parameters:
          path: the path, without a query.
          accept: which formats the reader accepts, as in HTTP's header.
        """
        match path:
            case "/livez" | "/healthz":
                alive = self._alive()
                return _answer({"alive": alive}, ready=alive)
            case "/readyz":
                readiness = self.readiness()
                return _answer(readiness.to_json(), ready=readiness.ready)
            case "/version":
                return _answer(self._version)
            case "/metrics":
                return self._metrics(accept)
            case _:
                return None

    def readiness(self) -> Readiness:
        """Return whether the process is ready, as was found a moment ago or now."""
        try:
            return self._readiness.get()
        except TimeoutError:
            problem = f"no answer within {WAIT_SECONDS:g} s"
            return Readiness((Finding("database and broker", ready=False, problem=problem),))

    def samples(self) -> list[Sample]:
        """Return all metrics; those that the store tells are left out while it does not answer."""
        build = Sample(BUILD, tuple(self._version[name] for name in ("questline", "python", "code_version")), (1.0,))
        return [build, *self._tally.samples(), *self._of_store()]

    def _of_store(self) -> list[Sample]:
        try:
            return self._gauges.get()
        except (StoreUnavailable, TimeoutError):
            return []
        except Exception:
            log.exception("metrics_incomplete")
            return []

    def _metrics(self, accept: str) -> ProbeAnswer:
        try:
            body, content_type = page_of(self.samples(), accept)
        except ImportError:
            return ProbeAnswer(HTTPStatus.NOT_IMPLEMENTED, "text/plain; charset=utf-8", f"{_NO_METRICS}\n".encode())
        return ProbeAnswer(HTTPStatus.OK, content_type, body)


def versions() -> dict[str, str]:
    """Return the versions of questline and of Python."""
    return {"questline": version_of("questline"), "python": platform.python_version()}


def _answer(data: Mapping[str, Any], *, ready: bool = True) -> ProbeAnswer:
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return ProbeAnswer(status, "application/json", json.dumps(data, ensure_ascii=False).encode() + b"\n")
