"""What users read speaks of steps and wake-ups; tickets and bells are words of the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from log_events import EVENTS

from questline.cli.app import app
from questline.cli.display import output
from questline.cli.doctor.check import passed
from questline.cli.doctor.command import draw
from questline_persistence.settings import documented

ROOT = Path(__file__).resolve().parents[3]
OURS = re.compile(r"\b(tickets?|(door)?bells?|r[iau]ngs?|ringing)\b", re.IGNORECASE)
#: Rooms that hold statements and scripts instead of sentences.
STATEMENTS = ("dialects", "schema", "redis_queue.py")
CODE = [
    path
    for floor in ("questline", "persistence", "scheduler", "worker")
    for path in sorted((ROOT / floor).rglob("*.py"))
    if not {*STATEMENTS} & {*path.parts}
]


def sentences(path: Path) -> Iterator[str]:
    """Yield the texts in a file's code that have more than one word: what is printed, logged or raised."""
    nodes = [*ast.walk(ast.parse(path.read_text()))]
    passed_over = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    passed_over |= {id(piece) for node in nodes if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in nodes:
        if id(node) not in passed_over and " " in (text := _text(node).strip()):
            yield text


def _text(node: ast.AST) -> str:
    """Return the text that a node writes, with … for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=pieces):
            return "".join(_text(piece) or "…" for piece in pieces)
    return ""


def helps(command: Any) -> Iterator[str]:
    """Yield what `--help` tells of a command, and of those below it."""
    yield f"{command.help} {command.short_help} {command.epilog}"
    yield from (option.help or "" for option in command.params)
    for below in getattr(command, "commands", {}).values():
        yield from helps(below)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_speak_of_steps_and_wake_ups(path: Path) -> None:
    assert [text for text in sentences(path) if OURS.search(text)] == []


def test_a_text_is_read_whole_with_what_is_filled_in(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text('"""A bell."""\nraise KeyError(f"{count} tickets", "one word", f"{count:>3}bells")\n')

    assert [*sentences(code)] == ["… tickets", "one word"]


def test_help_speaks_of_steps_and_wake_ups_and_says_what_a_lord_is() -> None:
    told = [*helps(typer.main.get_command(app))]

    assert [text for text in told if OURS.search(text)] == []
    for text in (told[0], *(text for text in told if text.startswith("Run steps until"))):
        assert "Lords (your step functions)" in text


def test_doctor_shows_people_steps_and_scripts_the_group_that_they_know(capsys: pytest.CaptureFixture[str]) -> None:
    check = passed("tickets", "all", "2 wait, 0 run")
    output.render(draw([check]))

    assert capsys.readouterr().out.split()[:3] == ["steps", "pass", "all"]
    assert check.to_json()["group"] == "tickets"


def test_settings_and_log_events_are_explained_in_steps_and_wake_ups() -> None:
    told = [*EVENTS.values(), *(text for _, _, text in documented())]

    assert [text for text in told if OURS.search(text)] == []
