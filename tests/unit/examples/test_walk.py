import os
from pathlib import Path

import pytest

from examples.codebase_review import walk as walking
from examples.codebase_review.walk import FoundFile, checked_root, walk

from .conftest import Tree


def paths(found: list[FoundFile]) -> list[str]:
    return [file.path for file in found]


def test_files_are_listed_in_path_order_with_their_sizes(tree: Tree) -> None:
    root = tree({"b.py": "x", "a/z.py": "xx", "a/b/c.txt": ""})
    assert walk(root).files == [FoundFile("a/b/c.txt", 0), FoundFile("a/z.py", 2), FoundFile("b.py", 1)]


def test_an_empty_directory_has_no_files(tree: Tree) -> None:
    assert walk(tree({})).files == []


def test_folders_of_tools_are_skipped_and_counted(tree: Tree) -> None:
    skipped = [".git", "__pycache__", ".venv", "lib/site-packages", "node_modules"]
    root = tree({"keep.py": "", **{f"{folder}/x.py": "" for folder in skipped}})
    walked = walk(root)
    assert paths(walked.files) == ["keep.py"]
    assert walked.folders_skipped == len(skipped)


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "CACHEDIR.TAG"])
def test_a_virtual_environment_or_cache_is_known_by_its_marker(tree: Tree, marker: str) -> None:
    assert paths(walk(tree({f"any/{marker}": "", "any/x.py": "", "y.py": ""})).files) == ["y.py"]


def test_the_root_itself_is_walked_whatever_it_is(tree: Tree) -> None:
    assert paths(walk(tree({"pyvenv.cfg": "", "x.py": ""})).files) == ["pyvenv.cfg", "x.py"]


def test_a_loop_of_symbolic_links_is_not_entered(tree: Tree) -> None:
    root = tree({"pack/x.py": ""})
    Path(root, "pack", "again").symlink_to(root)
    Path(root, "self").symlink_to("self")
    Path(root, "alias.py").symlink_to("pack/x.py")
    walked = walk(root)
    assert paths(walked.files) == ["pack/x.py"]
    assert walked.links_skipped == 3


def test_excluded_names_and_patterns_are_left_out(tree: Tree) -> None:
    root = tree({"build/x.py": "", "docs/a.py": "", "docs/b.txt": "", "x.py": ""})
    assert paths(walk(root, ["build", "docs/*.py"]).files) == ["docs/b.txt", "x.py"]


def test_a_name_that_is_not_utf8_is_reported_but_not_listed(tree: Tree) -> None:
    root = tree({"x.py": ""})
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.py")).write_bytes(b"")
    walked = walk(root)
    assert paths(walked.files) == ["x.py"]
    assert walked.unreadable == ["bad\\xff.py"]


def test_a_pipe_is_not_a_file_to_read(tree: Tree) -> None:
    root = tree({"x.py": ""})
    os.mkfifo(Path(root, "pipe.py"))
    assert paths(walk(root).files) == ["x.py"]


def test_the_walk_stops_at_its_limit_and_says_so(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_FILES", 2)
    walked = walk(tree({f"{number}.py": "" for number in range(5)}))
    assert len(walked.files) == 2
    assert walked.stopped_early


def test_the_checked_root_is_the_real_path(tree: Tree) -> None:
    root = tree({})
    link = Path(root).with_name("link")
    link.symlink_to(root)
    assert checked_root(str(link)) == os.path.realpath(root)


@pytest.mark.parametrize(
    ("root", "complaint"),
    [
        ("/no/such/place", "does not exist"),
        (__file__, "is not a directory"),
        ("", "must be the path of a directory"),
        (None, "must be the path of a directory"),
    ],
)
def test_a_root_that_is_no_directory_is_refused_with_the_reason(root: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        checked_root(root)
