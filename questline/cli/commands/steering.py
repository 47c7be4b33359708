"""`questline pause`, `resume`, `cancel` and `retry`: the verbs on live and failed quests, one or many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options
from questline.cli.bulk import Choice, do_to_all
from questline.cli.command import command
from questline.cli.display import output
from questline.cli.invocation import Invocation
from questline.cli.quest_filter import FilterWords
from questline_persistence.states import TRANSITIONS

if TYPE_CHECKING:
    from questline_persistence.controls import Controlled
    from questline_scheduler.client import QuestClient


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to `app`."""
    command(app, "pause", panel=panel, example='questline pause 0193a8 --reason "wrong input"')(pause)
    examples = "questline resume --label team=billing -y\nquestline resume 0193a8 --budget"
    command(app, "resume", panel=panel, example=examples)(resume)
    command(app, "cancel", panel=panel, example="questline cancel --type nightly --status new --dry-run")(cancel)
    command(app, "retry", panel=panel, example="questline retry @last")(retry)


def pause(
    invocation: Invocation,
    ids: options.QuestIds = None,
    *,
    chosen: FilterWords,
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Pause live quests. If a step is running, the quest is `pausing` until that step has ended."""
    choice = Choice(ids or (), chosen)
    paused = _steer(
        invocation, "pause", choice, lambda client, quest_id: client.pause(quest_id, reason), yes=yes, dry_run=dry_run
    )
    if len(choice.ids) == 1 and not dry_run:
        output.note(f"Hint: to let it go on, run: questline resume {paused[0]}")


def resume(
    invocation: Invocation,
    ids: options.QuestIds = None,
    *,
    chosen: FilterWords,
    budget: Annotated[
        bool, typer.Option("--budget", help="Let no budget pause them from now on.", show_default=False)
    ] = False,
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Let paused quests go on from where they stand."""
    choice = Choice(ids or (), chosen)

    def resumed(client: QuestClient, quest_id: str) -> Controlled:
        return client.resume(quest_id, reason, budget=budget)

    _steer(invocation, "resume", choice, resumed, yes=yes, dry_run=dry_run)


def cancel(
    invocation: Invocation,
    ids: options.QuestIds = None,
    *,
    chosen: FilterWords,
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Stop live quests for good. questline drops the results of steps that are still running."""
    choice = Choice(ids or (), chosen)
    _steer(
        invocation, "cancel", choice, lambda client, quest_id: client.cancel(quest_id, reason), yes=yes, dry_run=dry_run
    )


def retry(
    invocation: Invocation,
    ids: options.QuestIds = None,
    *,
    chosen: FilterWords,
    reason: options.Reason = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Run the failed step of failed quests again, with all of its attempts; earlier steps do not run again.

    The step gets the same input as before. To correct this input, use: questline replay ID --from STEP --set PATH=JSON
    """
    choice = Choice(ids or (), chosen)
    _steer(
        invocation, "retry", choice, lambda client, quest_id: client.retry(quest_id, reason), yes=yes, dry_run=dry_run
    )


def _steer(
    invocation: Invocation,
    name: str,
    choice: Choice,
    verb: Callable[[QuestClient, str], Controlled],
    *,
    yes: bool,
    dry_run: bool,
) -> list[str]:
    choice.check()
    client = invocation.client
    return do_to_all(
        invocation,
        choice,
        lambda quest_id: verb(client, quest_id).to_json(),
        name=name,
        usual=TRANSITIONS[name].sources,
        yes=yes,
        dry_run=dry_run,
    )
