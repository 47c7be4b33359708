"""What docstrings and comments refer to can be read: the page is in the repository, and has the heading."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.acceptance.docs.pages import ROOT, anchors

#: Where code is. What git knows would say the same, but not in an unpacked archive.
TOPS = (
    *("questline", "gateway", "worker", "scheduler", "persistence", "tests", "benchmarks", "docs", "examples"),
    *(".ci", "Makefile", "pyproject.toml", "Dockerfile", "docker-compose.yml"),
)
#: What is written in a language whose comments begin with "#".
_HASH = {"", ".sh", ".toml", ".yml", ".yaml"}
#: A page, by its path from the root; and one with the heading that is meant.
_PAGE = re.compile(r"(?<![\w./-])[\w./-]*\w\.md\b")
_HEADING = re.compile(rf'({_PAGE.pattern}), "([^"]+)"')


@cache
def said() -> dict[str, str]:
    """Return the docstrings and comments of every file of code, by its path."""
    paths = [ROOT / top for top in TOPS]
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return {str(file.relative_to(ROOT)): " ".join("\n".join(_said(file)).split()) for file in files}


def _said(file: Path) -> Iterator[str]:
    if file.suffix == ".py":
        text = file.read_text()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string.lstrip("#:")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""
    elif file.suffix in _HASH:
        yield from re.findall(r"#+(.*)", file.read_text())


def test_every_page_that_a_docstring_or_comment_names_exists() -> None:
    named = {(file, page) for file, text in said().items() for page in _PAGE.findall(text)}

    assert named
    assert sorted((file, page) for file, page in named if not (ROOT / page).is_file()) == []


def test_every_heading_that_a_docstring_or_comment_names_exists() -> None:
    named = {(file, *found) for file, text in said().items() for found in _HEADING.findall(text)}

    assert named
    assert sorted(each for each in named if each[2].lower().replace(" ", "-") not in anchors(ROOT / each[1])) == []
