"""`questline doctor`: what may keep quests from running. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import typer

from questline.cli.command import command
from questline.cli.display import Output, formatting, output, visible
from questline.cli.doctor.broker_checks import check_broker
from questline.cli.doctor.check import Check, Verdict, failed
from questline.cli.doctor.machine_checks import check_settings, check_versions
from questline.cli.doctor.store_checks import check_database, check_disk
from questline.cli.doctor.worker_checks import check_workers
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import explain
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from rich.console import RenderableType


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "doctor", panel=panel, example="questline doctor -o json")(doctor)


def doctor(invocation: Invocation) -> None:
    """Find what may keep quests from running: settings, database, broker, clocks, workers, Lords, waiting steps, disk.

    It changes nothing. It also tells how many steps wait, what they wait for, and some of their quests; `questline
    show` tells the same of one quest. The exit code is 0 if nothing failed, even with warnings; otherwise it is the
    code of the first failure.
    """
    checks = list(examine(invocation))
    failures = [check for check in checks if check.verdict is Verdict.FAIL]
    data = {"ok": not failures, "checks": [check.to_json() for check in checks]}
    if invocation.output is Output.TEXT:
        output.render(draw(checks))
    else:
        output.write_json(data, invocation.output)
    if failures:
        raise typer.Exit(failures[0].exit_code)


def examine(invocation: Invocation) -> Iterator[Check]:
    """Yield every check; where one group cannot be looked at, say so and go on."""
    yield from check_versions()
    settings = list(_safely("settings", check_settings, invocation))
    yield from settings
    if any(check.verdict is Verdict.FAIL for check in settings):
        return
    database = list(_safely("database", check_database, invocation))
    yield from database
    yield from _safely("broker", check_broker, invocation)
    usable = any(check.name == "schema" and check.verdict is not Verdict.FAIL for check in database)
    if usable:
        yield from _safely("workers", check_workers, invocation)
        yield from _safely("tickets", _check_tickets, invocation)
    yield from _safely("disk", partial(check_disk, usable=usable), invocation)


def _check_tickets(invocation: Invocation) -> Iterable[Check]:
    from questline.cli.doctor.ticket_checks import check_tickets  # noqa: PLC0415  (200 ms that --help does not need)

    return check_tickets(invocation)


def _safely(group: str, look: Callable[[Invocation], Iterable[Check]], invocation: Invocation) -> Iterator[Check]:
    try:
        yield from look(invocation)
    except Exception as error:  # noqa: BLE001  (doctor is there to report whatever it meets)
        failure = explain(error)
        allowed = failure.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_ALLOWED}
        code = ExitCode(failure.exit_code) if allowed else ExitCode.CONFIGURATION
        yield failed(group, "look", failure.message, failure.hint, exit_code=code)


def draw(checks: Sequence[Check]) -> RenderableType:
    """Return the checks, each group under its name; below each one, on a line of its own, the hint that mends it."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    widths = [max(len(text) for text in column) for column in zip(*(_head(check) for check in checks), strict=True)]
    parts: list[RenderableType] = []
    last = ""
    for check in checks:
        parts.append(_line(check, widths, shows_group=check.group != last))
        last = check.group
        if check.hint and check.verdict is not Verdict.PASS:
            parts.append(formatting.command_line(f"{'':{widths[0]}}  → {check.hint}"))
    return Group(*parts)


def _head(check: Check) -> tuple[str, str, str]:
    group = "steps" if check.group == "tickets" else check.group  # scripts know the group by its older name
    return group, str(check.verdict), check.name


def _line(check: Check, widths: Sequence[int], *, shows_group: bool) -> RenderableType:
    """Return a check on one line, its message on as many as it needs."""
    from rich.table import Table  # noqa: PLC0415  (as above)

    line = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        line.add_column(width=width)
    line.add_column(overflow="fold")
    group, _, name = _head(check)
    line.add_row(group if shows_group else "", formatting.word(check.verdict), name, visible(check.message))
    return line
