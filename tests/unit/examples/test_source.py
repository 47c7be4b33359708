import ast
import threading
import warnings

import pytest

from examples.codebase_review.source import (
    LineCount,
    Problem,
    count_lines,
    decode,
    dotted_name,
    parse,
    parsed_files,
    walk_tree,
)

from .conftest import Tree


def test_lines_are_told_apart_as_code_comment_and_blank() -> None:
    text = '# comment\n\nx = 1  # code\n    # indented comment\n\t\n"""doc\n# not a comment\n\n"""\ny = "#"\n'
    assert count_lines(text) == LineCount(code=5, comment=2, blank=3)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", LineCount(0, 0, 0)),
        ("x", LineCount(1, 0, 0)),
        ("x\n", LineCount(1, 0, 0)),
        ("#", LineCount(0, 1, 0)),
        ("\n\n", LineCount(0, 0, 2)),
        ("a = 'it\\'s'\n# c\n", LineCount(1, 1, 0)),
        ("a = '''\n# inside\n'''\n# outside\n", LineCount(3, 1, 0)),
        ("a = 'unterminated\n# still a comment\n", LineCount(1, 1, 0)),
    ],
)
def test_lines_are_counted_by_hand(text: str, lines: LineCount) -> None:
    assert count_lines(text) == lines


def test_a_huge_string_is_counted_in_linear_time() -> None:
    text = '"""' + "line ' # \\\\ \n" * 200_000
    assert sum(count_lines(text)) == 200_000


def test_a_declared_encoding_is_followed() -> None:
    decoded = decode("# coding: latin-1\ns = 'é'\n".encode("latin-1"))
    assert decoded.text.endswith("s = 'é'\n")
    assert decoded.problem is None


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfx = 1\n").text == "x = 1\n"


@pytest.mark.parametrize("data", [b"s = '\xe9'\n", b"# coding: no-such-codec\n", b"# coding: hex\n"])
def test_what_python_would_refuse_is_still_read_and_the_problem_told(data: bytes) -> None:
    decoded = decode(data)
    assert decoded.text == data.decode("latin-1")
    assert decoded.problem


def test_files_that_do_not_parse_are_listed_and_the_rest_goes_on(tree: Tree) -> None:
    files: dict[str, str | bytes] = {
        "bad.py": "x = 1\ndef broken(:\n",
        "bytes.py": b"s = '\xe9'\n",
        "deep.py": "(" * 5000 + ")" * 5000,
        "good.py": "x = 1\n",
        "null.py": b"x = 1\x00\n",
    }
    problems: list[Problem] = []
    parsed = [file.path for file in parsed_files(tree(files), [*files, "gone.py"], problems)]
    assert parsed == ["good.py"]
    assert [problem["file"] for problem in problems] == ["bad.py", "bytes.py", "deep.py", "null.py", "gone.py"]
    assert problems[0] == {"file": "bad.py", "line": 2, "error": "invalid syntax"}
    assert problems[-1]["error"].startswith("FileNotFoundError")


def test_a_doubtful_escape_is_no_failure_even_where_warnings_are_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(parse(rb"x = '\d'"), ast.Module)


def test_parsing_in_several_threads_leaves_the_warning_filters_as_they_were() -> None:
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [parse(b"x = 1\n") for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_the_tree_is_walked_as_ast_walk_does_but_for_the_marks_of_context() -> None:
    module = parse(b"async def f(a, *b, c=1, **d):\n    return [x async for x in a if x] + [lambda: c]\n")
    ours = sorted(ast.dump(node) for node in walk_tree(module))
    theirs = sorted(ast.dump(node) for node in ast.walk(module) if not isinstance(node, ast.expr_context))
    assert ours == theirs


@pytest.mark.parametrize(("code", "name"), [("a", "a"), ("a.b.c", "a.b.c"), ("a().b", None), ("1", None)])
def test_a_dotted_name_is_read_from_an_expression(code: str, name: str | None) -> None:
    assert dotted_name(ast.parse(code, mode="eval").body) == name
