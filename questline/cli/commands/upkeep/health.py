"""`questline health`: asks a worker pool or a scheduler of this machine whether it is alive, or ready."""

from __future__ import annotations

import http.client
import json
from typing import Annotated, Any

import typer

from questline.cli.command import command
from questline.cli.display import formatting
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline_persistence.errors import StoreUnavailable

#: Seconds that the process gets for its answer; it gives itself fewer.
ANSWER_SECONDS = 5.0
#: Addresses that a server listens to for all of a machine's, and the one to ask instead.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared, not bound)


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "health", panel=panel, example="questline health --live")(health)


def health(
    invocation: Invocation,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Ask only whether its main loop runs.", show_default=False)
    ] = False,
    ready: Annotated[
        bool,
        typer.Option(
            "--ready", help="Ask whether it has all that it needs; so it does without --live.", show_default=False
        ),
    ] = False,
) -> None:
    """Ask the worker pool or scheduler on QUESTLINE_HEALTH_PORT whether it is ready: for the probes of containers.

    Ready means that the database answers and has the right schema, the broker answers, and worker processes have
    imported their Lords. The exit code is 0 if so, and else 3. A process that is not ready need not be restarted: it
    waits for the database and the broker by itself.
    """
    if live and ready:
        raise UsageMistake("--live and --ready exclude each other", hint="leave one out")
    chosen = invocation.settings
    if chosen.health_port is None:
        hint = "set QUESTLINE_HEALTH_PORT for the worker or scheduler, and here; questline doctor needs no port"
        raise UsageMistake("no port is set on which a process answers probes", hint=hint)
    status, told = _ask(_ANY.get(chosen.health_host, chosen.health_host), chosen.health_port, _path(live=live))
    if status != http.client.OK:
        raise StoreUnavailable(_problem(told), hint="questline doctor looks at the database and the broker by itself")
    rows = [(name, "yes") for name in told if isinstance(told[name], bool)]
    invocation.answer(told, lambda: formatting.table("What", "Value", rows=rows))


def _path(*, live: bool) -> str:
    return "/livez" if live else "/readyz"


def _ask(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the object that a process answers with.

    Raises:
      StoreUnavailable: nothing answers there, or not in these words.
    """
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"no worker or scheduler answers on {host}:{port}: {str(error) or type(error).__name__}"
        raise StoreUnavailable(message, hint="start one with QUESTLINE_HEALTH_PORT set to this port") from None
    finally:
        connection.close()
    return answer.status, told if isinstance(told, dict) else {}


def _problem(told: dict[str, Any]) -> str:
    """Return in words what is missing."""
    problems = [f"{check['name']}: {check['problem']}" for check in told.get("checks", ()) if not check["ready"]]
    return f"not ready: {'. '.join(problems)}" if problems else "the process hangs: its main loop does not run"
