"""What stands in the documents agrees with the code, and with what lies beside it."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from questline.cli.app import app
from questline_persistence.models import LordStep
from questline_persistence.states import TRANSITIONS, ExecutionStatus
from questline_scheduler.quest_file import KEYS, read_quest
from tests.acceptance.docs.pages import PAGES, ROOT, anchors, blocks, commands

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
#: Most bytes of a picture.
MAX_PICTURE = 150_000
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+\.png)\)")


def test_the_generated_parts_of_the_documents_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generator" / "generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}{done.stderr}run: python docs/generator/generate.py"


def test_the_diagram_shows_exactly_the_transitions_of_the_code() -> None:
    text = (ROOT / "docs" / "explanation" / "concepts.md").read_text()
    drawn = {
        (source, target, verb)
        for source, target, verbs in re.findall(r"^ +(\w+) --> (\w+): (.+)$", text, re.MULTILINE)
        for verb in verbs.split(", ")
    }

    assert drawn == {
        (str(source), str(target), name.removesuffix("_pausing"))
        for name, transition in TRANSITIONS.items()
        for source in transition.sources
        for target in transition.targets
    }
    assert {word for source, target, _ in drawn for word in (source, target)} == set(ExecutionStatus)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_pages_show_every_picture_that_there_is_in_words_too_and_none_is_large() -> None:
    found = [(page, *shown) for page in PAGES for shown in _PICTURE.findall(page.read_text())]
    pictures = {*(ROOT / "docs" / "img").iterdir()}

    assert {(page.parent / path).resolve() for page, _, path in found} == pictures
    assert [path for _, words, path in found if len(words.split()) < 5] == []
    assert [path.name for path in pictures if path.stat().st_size > MAX_PICTURE] == []


def test_language_models_are_told_of_every_page() -> None:
    text = (ROOT / "llms.txt").read_text()
    pages = [
        str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md") if page != ROOT / "docs" / "README.md"
    ]

    assert re.findall(r"^# (.+)\n\n> .", text) == ["questline"]
    assert sorted(re.findall(r"^- \[[^\]]+\]\((docs/[^)]+)\): .", text, re.MULTILINE)) == sorted(pages)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", page.read_text())
    missing = [
        f"{file}#{anchor}" for file, anchor in targets if anchor not in anchors(page.parent / file if file else page)
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_python_block_is_python(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile(block.text, page.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_file_that_is_to_be_saved_is_named_in_the_sentence_before_it(page: Path) -> None:
    for before, name in re.findall(r"((?:[^\n]+\n)+)\n```\w+ file=(\S+)\n", page.read_text()):
        assert f"`{name}`" in before


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    typed = "".join(block.text for block in blocks(page))
    named = re.findall(r"`make (\w+)", page.read_text()) + re.findall(r"^make (\w+)", typed, re.MULTILINE)

    assert set(named) <= set(targets)


def test_the_quest_file_that_is_shown_is_a_quest() -> None:
    (shown,) = [block for block in blocks(ROOT / "docs" / "reference" / "cli.md") if block.language == "yaml"]

    quest = read_quest(yaml.safe_load(shown.text))

    assert set(yaml.safe_load(shown.text)) == set(KEYS)
    assert quest.execution_stack[1].params == {"language": "python"}
    assert LordStep("a", "b").timeout_seconds == 600


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_that_is_shown_exists_with_its_options(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line)[1:]
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            name = words.pop(0)
            assert name in command.commands, line
            command = command.commands[name]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        used = {word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)}
        assert used <= known, line
