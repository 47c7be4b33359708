"""`questline probe`: a recorded step, run again in this process, beside what was recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, times
from questline.cli.command import command
from questline.cli.display import formatting, output, printable, visible
from questline.cli.invocation import Invocation
from questline.cli.values import read_values
from questline_persistence.ids import shortened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_worker.probe import Probed

_EXAMPLES = """questline probe @last -m my_lords
questline probe 0193a8 --at 0003 --set input_data.service=orders
questline probe 0193a8 --at architect --pdb"""


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "probe", panel=panel, example=_EXAMPLES)(probe)


def probe(
    invocation: Invocation,
    quest_id: options.QuestId,
    *,
    at: Annotated[
        str | None,
        typer.Option(
            help="The step: a position such as 0003, LORD or LORD:TOOL (its second step: LORD#2), or a version such as "
            "v7 for the step that came next then. Default: the one that was tried last.",
            metavar="STEP",
            show_default=False,
        ),
    ] = None,
    corrections: options.Corrections = None,
    modules: options.MoreModules = None,
    debug: Annotated[
        bool, typer.Option("--pdb", help="Run the handler under pdb, from its first line on.", show_default=False)
    ] = False,
) -> None:
    """Run a recorded step again in this process, and show what differs from what was recorded.

    The step finds the input, the params and the outputs that it found then; `ctx.once` gives what its attempts have
    recorded. Nothing is written to the store: no result, no pushed step, nothing that Lords remember. What the handler
    does to the outside world, it does again.

    A path to correct with --set is input_data.KEY, run_data.LORD.KEY, or execution_stack.STEP.params.KEY.
    """
    from questline_worker.probe import Probe  # noqa: PLC0415  (Dramatiq, which --help does not need)

    changes = read_values(corrections or (), "--set", "PATH=JSON")
    full_id = invocation.repository.full_id(quest_id)
    invocation.import_lords(modules or ())
    invocation.configure_logging()
    found = Probe(invocation.repository).run(full_id, at, changes, debug=debug)
    if found.notice:
        output.note(found.notice)
    invocation.answer(found.to_json(), lambda: _draw(found))


def _draw(found: Probed) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    claim = found.claim
    parts: list[RenderableType] = [
        formatting.title("Step", claim.position, f"{claim.handler} of quest {shortened(claim.quest_id)}"),
        *_ended(found),
    ]
    if found.changes:
        assert found.recorded is not None  # noqa: S101  (for the type checker: else there are no changes)
        rows = [formatting.changed(one.path, one.to_json(), ("before", "after")) for one in found.changes]
        parts.append(formatting.table("Path", f"Attempt {found.recorded.attempt_number}", "Now", rows=rows))
    elif found.recorded is not None:
        parts.append(f"That is what attempt {found.recorded.attempt_number} was recorded with.")
    else:
        parts.append("No attempt of it is recorded in that epoch.")
    return Group(*parts)


def _ended(found: Probed) -> list[RenderableType]:
    """Return how it has ended, and what would have been written."""
    lines: list[RenderableType] = []
    if found.error is not None:
        lines.append(printable(found.error))
    if found.retry_in is not None:
        lines.append(f"It would run again in {times.length(found.retry_in)}.")
    would = {"push": [step.handler for step in found.pushed], "remember": [*found.remembered]}
    lines += [f"It would {verb}: {visible(', '.join(what))}" for verb, what in would.items() if what]
    if found.calls:
        lines.append(f"Called, since no attempt had recorded it: {visible(', '.join(found.calls))}")
    if found.spent.tokens or found.spent.usd:
        lines.append(f"It has spent {found.spent.tokens:,} tokens and {found.spent.usd:g} dollars.")
    return lines
