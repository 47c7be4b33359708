import json

import pytest

from examples.codebase_review import survey as surveying
from examples.codebase_review.budget import MAX_OUTPUT_BYTES
from examples.codebase_review.survey import Survey, survey
from examples.codebase_review.walk import walk

from .conftest import Tree


def surveyed(root: str) -> Survey:
    walked = walk(root)
    return survey(walked, walked.files)


def test_totals_are_kept_for_each_kind(tree: Tree) -> None:
    root = tree({"a.py": "x = 1\n# c\n\n", "test_a.py": "y = 2\n", "README.md": "words", "c.toml": "", "d.csv": "1,2"})
    result = surveyed(root)
    assert result["kinds"]["source"] == {"files": 1, "bytes": 11, "code": 1, "comment": 1, "blank": 1}
    assert result["kinds"]["test"] == {"files": 1, "bytes": 6, "code": 1, "comment": 0, "blank": 0}
    assert result["kinds"]["docs"] == {"files": 1, "bytes": 5, "code": 0, "comment": 0, "blank": 0}
    assert (result["kinds"]["config"]["files"], result["kinds"]["data"]["files"]) == (1, 1)
    assert (result["files_total"], result["bytes_total"], result["python_total"]) == (5, 25, 2)


def test_python_files_are_listed_as_columns_in_path_order(tree: Tree) -> None:
    result = surveyed(tree({"b.py": "x\ny\n", "a/c.py": "", "z.txt": "no"}))
    assert result["python_files"] == {"paths": ["a/c.py", "b.py"], "bytes": [0, 4], "lines": [0, 2]}
    assert not result["truncated"]


def test_an_empty_directory_surveys_as_nothing(tree: Tree) -> None:
    result = surveyed(tree({}))
    assert (result["files_total"], result["python_total"], result["largest"]) == (0, 0, [])


def test_a_file_that_is_not_utf8_is_counted_and_its_problem_told(tree: Tree) -> None:
    result = surveyed(tree({"bad.py": b"s = '\xe9'\n# c\n"}))
    assert (result["kinds"]["source"]["code"], result["kinds"]["source"]["comment"]) == (1, 1)
    assert [problem["file"] for problem in result["encoding_problems"]] == ["bad.py"]
    assert result["python_files"]["paths"] == ["bad.py"]


def test_the_largest_files_come_first(tree: Tree) -> None:
    result = surveyed(tree({"small.py": "x\n", "large.py": "x\n" * 9, "middle.py": "x\n" * 5}))
    assert [row["file"] for row in result["largest"]] == ["large.py", "middle.py", "small.py"]


def test_a_huge_file_is_counted_but_not_read(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "MAX_SOURCE_BYTES", 10)
    result = surveyed(tree({"big.py": "x = 1\n" * 9, "a.py": "x\n"}))
    assert result["too_large"] == ["big.py"]
    assert result["python_files"]["paths"] == ["a.py"]


def test_a_list_without_room_leaves_out_tests_first_and_says_so(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "MAX_LISTED", 2)
    result = surveyed(tree({"a/test_a.py": "", "b.py": "", "c.py": ""}))
    assert result["python_files"]["paths"] == ["b.py", "c.py"]
    assert result["truncated"]
    assert result["python_total"] == 3


def test_the_output_stays_small_whatever_the_tree(tree: Tree) -> None:
    names = [f"{'é' * 100}{number:04}/{'x' * 100}.py" for number in range(600)]
    result = surveyed(tree(dict.fromkeys(names, b"\xff\n")))
    assert len(json.dumps(result)) < MAX_OUTPUT_BYTES
    assert result["truncated"]
    assert result["python_total"] == len(names)
