"""`questline replay` and `questline fork`: run again from an earlier snapshot, as the same quest or as a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from questline.cli import options
from questline.cli.command import command
from questline.cli.commands.wait import finish
from questline.cli.display import Output, formatting, output
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline.cli.values import read_values

if TYPE_CHECKING:
    from rich.console import RenderableType


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    replay_example = "questline replay @last --from architect --set input_data.service=orders"
    command(app, "replay", panel=panel, example=replay_example)(replay)
    command(app, "fork", panel=panel, example="questline fork 0193a8 --from v3 --as second-try")(fork)


def replay(
    invocation: Invocation,
    quest_id: options.QuestId,
    *,
    start: options.StartFrom = None,
    corrections: options.Corrections = None,
    keep_state: options.KeepState = False,
    keep_once: options.KeepOnce = False,
    reason: options.Reason = None,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    timeout: options.Timeout = None,
) -> None:
    """Take a quest back to an earlier snapshot and run it again from there, as its next epoch.

    All steps from there on run again, and repeat their effects on the outside world. The history keeps what ran
    before.

    What these steps have written of what Lords remember goes back to what it was, unless somebody else has built on it
    since; the answer names each key.

    A path to correct with --set is input_data.KEY, run_data.LORD.KEY, or execution_stack.STEP.params.KEY.
    """
    _refuse_lone_timeout(wait, timeout)
    changes = read_values(corrections or (), "--set", "PATH=JSON")
    client = invocation.client
    quest_id = client.repository.full_id(quest_id)
    done = client.replay(
        quest_id, start, changes, dry_run=dry_run, keep_state=keep_state, keep_once=keep_once, reason=reason
    )
    for line in done.restart.notes if done.restart is not None else ():
        output.note(line)
    if dry_run and done.restart is not None:
        data = done.preview(client.repository.status(done.quest_id))
        told = f"{done.quest_id} would run again, as epoch {done.epoch}"
        invocation.answer(data, lambda: _draw(told, data))
    elif wait:
        finish(invocation, done.quest_id, timeout)
    else:
        _tell(invocation, done.to_json(), "runs again")


def fork(
    invocation: Invocation,
    quest_id: options.QuestId,
    *,
    start: options.StartFrom = None,
    corrections: options.Corrections = None,
    new_id: Annotated[
        str | None,
        typer.Option("--as", help="Id of the new quest; made up by default.", metavar="NEW_ID", show_default=False),
    ] = None,
    keep_once: options.KeepOnce = False,
    recorded: Annotated[
        bool,
        typer.Option(
            "--recorded",
            help="Serve what is recorded by ctx.once alone: a call that is not recorded fails the new quest.",
            show_default=False,
        ),
    ] = False,
    reason: options.Reason = None,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    timeout: options.Timeout = None,
) -> None:
    """Start a new quest from a snapshot of another quest, and leave that quest as it is.

    Prints the new quest's id alone on the first line, or its object with -o json.

    The new quest has a copy of what the other's Lords remembered for that quest alone, as it was at the snapshot, and
    of what is shared but was written by steps after it; the answer names each key.

    A path to correct with --set is input_data.KEY, run_data.LORD.KEY, or execution_stack.STEP.params.KEY.
    """
    _refuse_lone_timeout(wait, timeout)
    changes = read_values(corrections or (), "--set", "PATH=JSON")
    client = invocation.client
    source = client.repository.full_id(quest_id)
    handle = client.fork(
        source, start, changes, new_id, dry_run=dry_run, keep_once=keep_once, recorded=recorded, reason=reason
    )
    for line in handle.restart.notes if handle.restart is not None else ():
        output.note(line)
    if dry_run and handle.restart is not None:
        data = handle.preview(source)
        invocation.answer(data, lambda: _draw(f"A new quest would start from {source}", data))
        return
    if invocation.output is Output.TEXT:
        output.write(handle.quest_id)
    if wait:
        finish(invocation, handle.quest_id, timeout)
    elif invocation.output is not Output.TEXT:
        output.write_json(handle.get().to_json(), invocation.output)


def _draw(told: str, data: dict[str, Any]) -> RenderableType:
    """Return where a quest would start, what would be changed there, and which steps would run."""
    from rich.console import Group  # noqa: PLC0415  (40 ms that JSON output does not need)

    start, changes = data["start"], data["changes"]
    parts: list[RenderableType] = [f"{told}, from v{start['version']} at step {start['position']}."]
    if changes:
        rows = [
            (one["path"], "(new)" if one["added"] else formatting.short(one["old"]), formatting.short(one["new"]))
            for one in changes
        ]
        parts += ["", formatting.table("Set", "From", "To", rows=rows)]
    rows = [(step["position"], step["lord_name"], step["tool_name"]) for step in data["steps"]]
    return Group(*parts, "", formatting.table("Runs again", "Lord", "Tool", rows=rows))


def _tell(invocation: Invocation, data: dict[str, Any], what: str) -> None:
    rows = [(data["quest_id"], formatting.word(data["status"]), f"{what}, as epoch {data['epoch']}")]
    invocation.answer(data, lambda: formatting.table("ID", "Status", "", rows=rows))


def _refuse_lone_timeout(wait: bool, timeout: float | None) -> None:
    if timeout is not None and not wait:
        raise UsageMistake("--timeout says how long --wait waits", hint="add --wait, or leave --timeout out")
