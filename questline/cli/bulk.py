"""One verb on many quests: which are meant, whether that is really wanted, and how it went with each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import typer

from questline.cli.display import Output, formatting, output
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import Aborted, Failure, UsageMistake, explain, print_failure
from questline.cli.invocation import Invocation
from questline.cli.quest_filter import FilterWords
from questline_persistence.errors import QuestlineError
from questline_persistence.states import ExecutionStatus

#: Most quests that one filter reaches at a time.
MAX_MATCHED = 10_000

#: Does the verb to the quest of an id, and returns what to tell about it.
Verb = Callable[[str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The quests that the command line means: by their ids, or by a filter."""

    ids: Sequence[str]
    chosen: FilterWords = field(default_factory=FilterWords)

    def check(self) -> None:
        """Raise UsageMistake unless quests are meant either by ids or by a filter."""
        if bool(self.ids) == self.chosen.given:
            what = "both ids and a filter were" if self.ids else "neither an id nor a filter was"
            raise UsageMistake(f"{what} given", hint="name quests, or choose them with --status, --type, --label, …")

    def matching(self, invocation: Invocation, usual: Iterable[ExecutionStatus]) -> list[str]:
        """Return the ids that the filter means; without a status of its own it means the `usual` ones."""
        ids = invocation.repository.lists.matching(self.chosen.read(invocation, usual), limit=MAX_MATCHED + 1)
        if len(ids) > MAX_MATCHED:
            output.note(f"More than {MAX_MATCHED:,} quests match. These are the oldest; run it again for the others.")
        return ids[:MAX_MATCHED]


def confirm(question: str, *, yes: bool, hint: str = "add --yes, or look with --dry-run") -> None:
    """Ask on a terminal whether to go on.

    Raises:
      UsageMistake: there is no terminal to ask on, and no --yes.
      Aborted: the answer was no.
      KeyboardInterrupt: it was Ctrl-C.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageMistake("this command asks before it goes on, and has no terminal to ask on", hint=hint)
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        output.note("\nNothing was changed.")
        raise KeyboardInterrupt from None
    if not agreed:
        raise Aborted("nothing was changed")


def do_to_all(
    invocation: Invocation,
    choice: Choice,
    verb: Verb,
    *,
    name: str,
    usual: Iterable[ExecutionStatus],
    yes: bool,
    dry_run: bool,
    always_ask: bool = False,
) -> list[str]:
    """Do `verb` to every quest that is meant, and return their whole ids; one that fails does not stop the others.

    Parameters:
      name: the verb, for people.
      usual: the statuses that a filter without any means.
      always_ask: ask for quests named by their ids, too.
    """
    choice.check()
    ids = choice.matching(invocation, usual) if choice.chosen.given else list(choice.ids)
    if choice.chosen.given:
        output.note(f"{count(len(ids))} {'matches' if len(ids) == 1 else 'match'}.")
    if ids and not dry_run and (choice.chosen.given or always_ask):
        confirm(f"{name.capitalize()} {count(len(ids))}?", yes=yes)
    results = list(_results(invocation, ids, _looking(invocation) if dry_run else verb))
    _answer(invocation, results, single=len(choice.ids) == 1)
    failures = [failure for _, failure in results if failure is not None]
    if failures:
        raise typer.Exit(failures[0].exit_code)
    return [str(result["quest_id"]) for result, _ in results]


Result = tuple[dict[str, Any], Failure | None]


def _results(invocation: Invocation, ids: Sequence[str], verb: Verb) -> Iterator[Result]:
    for quest_id in ids:
        try:
            yield verb(invocation.repository.full_id(quest_id)), None
        except QuestlineError as error:
            failure = explain(error)
            yield {"quest_id": quest_id, "error": failure.to_json()}, failure
            if failure.exit_code == ExitCode.UNREACHABLE:
                return  # the others would each wait for the same store


def _looking(invocation: Invocation) -> Verb:
    """Return the verb that only looks."""

    def look(quest_id: str) -> dict[str, Any]:
        return {"quest_id": quest_id, "status": str(invocation.repository.status(quest_id)), "changed": False}

    return look


def _answer(invocation: Invocation, results: Sequence[Result], *, single: bool) -> None:
    if invocation.output is Output.TEXT:
        _answer_text(results)
    elif single:
        data, failure = results[0]
        output.write_json({"error": failure.to_json()} if failure else data, invocation.output)
    else:
        output.write_items([data for data, _ in results], invocation.output)


def _answer_text(results: Sequence[Result]) -> None:
    rows = [
        (data["quest_id"], formatting.word(data.get("status", "")), data.get("notice") or "")
        for data, failure in results
        if failure is None
    ]
    if rows:
        output.render(formatting.table("ID", "Status", "", rows=rows))
    for failure in _alike([(data["quest_id"], failure) for data, failure in results if failure is not None]):
        print_failure(failure, Output.TEXT)


def _alike(failures: Sequence[tuple[str, Failure]]) -> list[Failure]:
    """Return one failure of each kind, which tells how many quests have failed alike."""
    found: dict[tuple[str, str], list[Failure]] = {}
    for quest_id, failure in failures:
        found.setdefault((failure.code, failure.message.replace(quest_id, "")), []).append(failure)
    return [
        first if not others else replace(first, message=f"{first.message} (and {count(len(others))} more)")
        for first, *others in found.values()
    ]


def count(quests: int) -> str:
    """Return how many quests these are."""
    return "1 quest" if quests == 1 else f"{quests:,} quests"
