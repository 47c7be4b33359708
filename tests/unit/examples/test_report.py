import json
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest

from examples.codebase_review.complexity import measure_functions
from examples.codebase_review.imports import map_imports
from examples.codebase_review.paper.document import Figure
from examples.codebase_review.paper.html_page import to_html
from examples.codebase_review.paper.markdown import to_markdown
from examples.codebase_review.report import SECTIONS, build_report
from examples.codebase_review.review import Review
from examples.codebase_review.risks import find_risks
from examples.codebase_review.summary import headline, headline_findings
from examples.codebase_review.survey import survey
from examples.codebase_review.walk import walk
from examples.codebase_review.wording import counted, share, way_round

from .conftest import Tree


def reviewed(root: str) -> Review:
    """Review a folder, and take the results through JSON as a quest does."""
    walked = walk(root)
    found = survey(walked, walked.files)
    paths = found["python_files"]["paths"]
    results = (found, map_imports(root, paths), measure_functions(root, paths), find_risks(root, paths))
    return Review(*cast("Any", json.loads(json.dumps(results))))


def wild() -> dict[str, str | bytes]:
    branches = "".join(f"    if x == {number}: pass\n" for number in range(25))
    return {
        "a.py": f"import b\n\ndef wild(x):\n{branches}",
        "b.py": "import a\neval('1')\n",
        "bad.py": "def (:\n",
        "latin.py": b"s = '\xe9'\n",
        "tests/test_a.py": "assert True\n",
        "README.md": "Words.",
    }


def test_the_headline_says_what_there_is(tree: Tree) -> None:
    review = reviewed(tree(wild()))
    assert headline(review) == (
        "tree: 1 function in 5 Python files, 32 lines of code. "
        "1 import cycle, 1 function above complexity 20, 1 high-severity risk."
    )


def test_what_to_look_at_first_is_named_with_its_place(tree: Tree) -> None:
    first = headline_findings(reviewed(tree(wild())))
    assert first[0].startswith("eval or exec, 1 time.")
    assert first[0].endswith("First seen in b.py:2.")
    assert first[1] == "The most branched function. wild has complexity 26 in 26 lines (a.py:3)."
    assert first[2] == "An import cycle of 2 modules. a → b → a"
    assert first[3].startswith("2 files cannot be parsed.")


def test_both_forms_of_the_report_name_cycles_risks_functions_and_files_that_resist(tree: Tree) -> None:
    report = build_report(reviewed(tree(wild())), "quest-1", "today")
    for text in (to_html(report), to_markdown(report)):
        for expected in (
            "quest-1",
            "today",
            "a → b → a",
            "b.py:2",
            "a.py:3",
            "bad.py",
            "latin.py",
            "Method and limits",
        ):
            assert expected in text


def test_every_figure_is_a_well_formed_drawing(tree: Tree) -> None:
    report = build_report(reviewed(tree(wild())), "quest-1", "today")
    figures = [block for section in report.sections for block in section.blocks if isinstance(block, Figure)]
    assert len(figures) == 6
    for figure in figures:
        ET.fromstring(figure.svg)  # noqa: S314 - our own drawing


def test_hostile_file_names_stay_text(tree: Tree) -> None:
    name = "<script>alert('1')</script>.py".replace("/", "\u2215")
    review = reviewed(tree({name: "eval(x)\n", "a\n`|b.py": "def (", "\u202egnp.py": "import os\n"}))
    report = build_report(review, "<b>quest</b>", "today")
    page = to_html(report)
    assert "<script>" not in page
    assert "<b>quest" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page + to_markdown(report)


@pytest.mark.parametrize("files", [{}, {"README.md": "Words."}, {"only.py": ""}])
def test_a_tree_with_next_to_nothing_still_gets_a_report(tree: Tree, files: dict[str, str | bytes]) -> None:
    review = reviewed(tree(files))
    report = build_report(review, "quest-1", "today")
    assert len(report.sections) == len(SECTIONS)
    assert "Code review of tree" in to_html(report)
    assert to_markdown(report).startswith("# Code review of tree")
    if not review.survey["python_total"]:
        assert "nothing to review" in report.lead


def test_a_truncated_list_is_admitted(tree: Tree) -> None:
    review = reviewed(tree({"a.py": "x = 1\n"}))
    review.survey["truncated"] = True
    review.survey["python_total"] = 7
    assert "cover 1 of the 7 Python files" in to_markdown(build_report(review, "q", "today"))


def test_numbers_read_as_people_write_them() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 1234)] == ["no files", "1 file", "2 files", "1,234 files"]
    assert counted(2, "dependency", "dependencies") == "2 dependencies"
    assert [share(1, 3), share(1, 1000), share(0, 5), share(0, 0)] == ["33 %", "0.1 %", "0 %", "0 %"]


def test_a_long_way_round_is_cut_in_the_middle() -> None:
    names = list("abcdefghij")
    assert way_round({"size": 2, "modules": ["a", "b"], "example": ["a", "b"]}) == "a → b → a"
    assert way_round({"size": 10, "modules": names, "example": names}) == "a → b → c → d → e → (5 more) → a"
