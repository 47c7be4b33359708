"""The reference of the command line, from the application itself."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from tables import table

from questline.cli.app import app
from questline.cli.exit_codes import MEANINGS, ExitCode


def exit_codes_part() -> str:
    """Return the table of exit codes."""
    return table(("code", "meaning"), [(code.value, MEANINGS[code]) for code in ExitCode])


def commands() -> Iterator[tuple[str, str, Any]]:
    """Yield (panel, name, command) of every command, those of groups with their group's name before theirs."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        panel = command.rich_help_panel or ""
        if hasattr(command, "commands"):
            yield from ((panel, f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield panel, name, command


def commands_part() -> str:
    """Return the table of commands with what each does."""
    rows = [(f"`questline {name}`", _first_sentence(command.help)) for _, name, command in commands()]
    return table(("command", "what it does"), rows)


def cli_part() -> str:
    """Return the reference of all commands: arguments, options, examples."""
    parts, last = [], ""
    for panel, name, command in commands():
        if panel != last:
            parts.append(f"## {panel}")
            last = panel
        parts.append(_reference(name, command))
    return "\n\n".join(parts)


def shared_options_part() -> str:
    """Return the table of the options that every command takes."""
    _, _, first = next(commands())
    return _options([option for option in first.params if _is_shared(option)])


def _reference(name: str, command: Any) -> str:
    own = [option for option in command.params if not _is_shared(option)]
    examples = [line for line in (command.epilog or "").split("\n\n") if line and not line.startswith("Example")]
    parts = [f"### `questline {name}`", command.help.strip()]
    if own:
        parts.append(_options(own))
    parts.append("\n".join(["```sh", *(line.replace("\\[", "[") for line in examples), "```"]))
    return "\n\n".join(parts)


def _is_shared(option: Any) -> bool:
    return getattr(option, "rich_help_panel", None) == "Options of every command"


def _options(options: Iterable[Any]) -> str:
    rows = []
    for option in options:
        is_argument = not option.opts[0].startswith("-")
        names = "" if is_argument else ", ".join(f"`{name}`" for name in option.opts)
        value = "" if getattr(option, "is_flag", False) else f"`{_metavar(option)}`"
        default = option.default if getattr(option, "show_default", False) and option.default is not None else ""
        rows.append((f"{names} {value}".strip(), option.help, f"`{default}`" if default != "" else ""))
    return table(("argument or option", "meaning", "default"), rows)


def _metavar(option: Any) -> str:
    if option.metavar:
        return str(option.metavar)
    annotation = option.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return "|".join(str(item.value) for item in annotation)
    return {int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(annotation, str(option.name).upper())


def _first_sentence(text: str) -> str:
    first = " ".join(text.strip().split("\n\n")[0].split())
    return first.rstrip(".")
