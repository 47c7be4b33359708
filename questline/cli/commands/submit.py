"""`questline submit`: enqueue one quest, from a file or by its type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from questline.cli import options
from questline.cli.command import command
from questline.cli.commands.wait import finish
from questline.cli.display import Output, output
from questline.cli.failures import UsageMistake
from questline.cli.invocation import Invocation
from questline.cli.values import STDIN, read_input, read_pairs, read_quest_file, read_values
from questline_persistence.errors import QuestConflict

if TYPE_CHECKING:
    from questline_persistence.payload import Limits
    from questline_scheduler.client import QuestHandle

_EXAMPLES = """questline submit quest.yaml --wait
questline submit --type design_microservice -i service=billing
questline submit -m my_lords --type report -i topic=whales --wait
generate-quest | questline submit - -o json"""


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to `app`."""
    command(app, "submit", panel=panel, example=_EXAMPLES)(submit)


#: Keys of the input, one by one.
_Pairs: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "-i",
        help="One key of the input; repeatable. The value is read as JSON if it is JSON, else as text.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]


class _Conflict(StrEnum):
    """What `--on-conflict` may say."""

    ERROR = "error"
    RETURN = "return"


_OnConflict: TypeAlias = Annotated[
    _Conflict, typer.Option(help="What to do if the key was used with another type or input.")
]


def submit(
    invocation: Invocation,
    file: Annotated[
        str | None,
        typer.Argument(help="Quest file, JSON or YAML; - is standard input.", metavar="FILE", show_default=False),
    ] = None,
    *,
    quest_type: Annotated[
        str | None,
        typer.Option(
            "--type", help="Type of the quest; a registered one needs no file.", metavar="TYPE", show_default=False
        ),
    ] = None,
    input_data: Annotated[
        str | None,
        typer.Option("--input", help="Input data: a JSON object, @FILE or -.", metavar="JSON", show_default=False),
    ] = None,
    modules: options.MoreModules = None,
    pairs: _Pairs = None,
    quest_id: Annotated[
        str | None, typer.Option("--id", help="Id of the quest; made up by default.", metavar="ID", show_default=False)
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Submit at most once: the same key gives the same quest.", metavar="KEY", show_default=False),
    ] = None,
    on_conflict: _OnConflict = _Conflict.ERROR,
    queue: Annotated[
        str | None, typer.Option(help="Queue that its steps wait in.", metavar="QUEUE", show_default=False)
    ] = None,
    priority: Annotated[
        int | None, typer.Option(help="-1000 to 1000; higher goes first.", min=-1000, max=1000, show_default=False)
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", help="A label; repeatable.", metavar="KEY=VALUE", show_default=False),
    ] = None,
    wait: options.Wait = False,
    timeout: options.Timeout = None,
) -> None:
    """Submit one quest, described by a file, by options, or both: options override the file.

    Prints the quest's id alone on the first line, or the quest object with -o json. With --wait it exits with 8 if
    the quest fails, and with 9 if it is cancelled or paused.
    """
    words = _Words(file, quest_type, input_data, tuple(pairs or ()), tuple(labels or ()))
    given = {"quest_id": quest_id, "idempotency_key": idempotency_key, "queue": queue, "priority": priority}
    if timeout is not None and not wait:
        raise UsageMistake("--timeout says how long --wait waits", hint="add --wait, or leave --timeout out")
    quest = words.quest(invocation.settings.limits) | {
        name: value for name, value in given.items() if value is not None
    }
    invocation.import_lords(modules or ())
    invocation.make_store()
    handle = _submit(invocation, quest, on_conflict)
    _announce(invocation, handle.quest_id, created=handle.created, waits=wait)
    if wait:
        finish(invocation, handle.quest_id, timeout)
    elif invocation.output is not Output.TEXT:
        output.write_json(handle.get().to_json(), invocation.output)


def _submit(invocation: Invocation, quest: dict[str, Any], on_conflict: _Conflict) -> QuestHandle:
    """Submit a quest; the hint of a conflict names this command's option in the place of the client's argument."""
    try:
        return invocation.client.submit(quest, on_conflict=on_conflict.value)
    except QuestConflict as conflict:
        hint = conflict.hint and conflict.hint.replace('on_conflict="return"', "--on-conflict return")
        raise QuestConflict(conflict.message, hint=hint) from None


@dataclass(frozen=True, slots=True)
class _Words:
    """What the command line says about a quest."""

    file: str | None
    quest_type: str | None
    input_data: str | None
    pairs: tuple[str, ...]
    labels: tuple[str, ...]

    def quest(self, limits: Limits) -> dict[str, Any]:
        """Return the quest object that file and options make together."""
        if self.file is None and self.quest_type is None:
            raise UsageMistake("neither a file nor a type was given", hint="run: questline submit --help")
        if self.file == STDIN and self.input_data == STDIN:
            raise UsageMistake(
                "standard input cannot be both the quest and its input", hint="name a file for one of them"
            )
        quest = {} if self.file is None else read_quest_file(self.file, limits)
        if self.quest_type is not None:
            quest["quest_type"] = self.quest_type
        if self.input_data is not None:
            quest["input_data"] = read_input(self.input_data, limits)
        self._merge(quest, "input_data", read_values(self.pairs, "-i"))
        self._merge(quest, "labels", read_pairs(self.labels, "--label"))
        return quest

    @staticmethod
    def _merge(quest: dict[str, Any], key: str, more: dict[str, Any]) -> None:
        """Put `more` into the object at `key`; if that is no object, the store will say so."""
        known = quest.get(key) or {}
        if more and isinstance(known, dict):
            quest[key] = known | more


def _announce(invocation: Invocation, quest_id: str, *, created: bool, waits: bool) -> None:
    if invocation.output is Output.TEXT:
        output.write(quest_id)
        if not created:
            output.note("This quest was submitted before, with the same idempotency key.")
        elif not waits:
            output.note(f"Submitted. See how it goes: questline show {quest_id}")
