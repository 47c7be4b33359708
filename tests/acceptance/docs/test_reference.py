"""The reference tells of every public name and every error, in full."""

from __future__ import annotations

import ast

import pytest
from docstrings import read
from error_reference import by_code
from unsaid import unsaid, unsaid_of_function

from questline_persistence.errors import QuestConflict
from tests.acceptance.docs.pages import ROOT

CODE = [
    path
    for room in ("questline", "persistence", "scheduler", "worker", "gateway")
    for path in (ROOT / room).rglob("*.py")
]


def errors_of_the_code() -> set[str]:
    """Return the names of all classes that are made from a `QuestlineError`, however far away."""
    classes = [
        node for path in CODE for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    found: set[str] = {"QuestlineError"}
    while more := {one.name for one in classes if found & {ast.unparse(base) for base in one.bases}} - found:
        found |= more
    return found


def bare(value: int, unit: str = "s") -> str:  # noqa: ARG001
    """Do something with a value.

    Parameters:
      value: the value.
      scale: it has gone.
    """
    if value:
        raise QuestConflict("no")
    return ""


def told(value: int) -> str:  # noqa: ARG001
    """Return something.

    Parameters:
      value: the value.

    Raises:
      QuestConflict: never.
    """
    return ""


def test_every_public_name_is_explained_with_its_parameters_results_and_errors() -> None:
    assert unsaid() == []


@pytest.mark.parametrize(
    ("function", "missing"),
    [
        (told, []),
        (
            bare,
            [
                "the parameter unit is not explained",
                "the parameter scale does not exist",
                "it raises QuestConflict and does not say so",
                "it does not say which str it returns",
            ],
        ),
    ],
)
def test_what_a_docstring_leaves_unsaid_is_named(function: object, missing: list[str]) -> None:
    said = read(function)

    assert [*unsaid_of_function(function, said.entries("Parameters"), said.entries("Raises"))] == missing


def test_every_error_is_in_the_catalogue() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    listed = {
        kind.__name__: kind for kinds in by_code().values() for kind in kinds if kind.__module__.startswith("questline")
    }

    assert errors_of_the_code() == {*listed}
    for name, kind in listed.items():
        assert f"- **In Python**: `{name}`" in page
        assert f"## `{kind.code}`" in page


def test_every_error_says_what_to_do() -> None:
    silent = [kind for kinds in by_code().values() for kind in kinds if "What to do" not in read(kind).sections]

    assert silent == []
