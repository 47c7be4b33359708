import pytest

from examples.codebase_review.complexity import functions_in, histogram, measure_functions, percentiles
from examples.codebase_review.source import parse

from .conftest import Tree


def measured(code: str) -> dict[str, int]:
    return {function.name: function.complexity for function in functions_in(parse(code.encode()))}


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("pass", 1),
        ("if a: pass", 2),
        ("if a: pass\n elif b: pass\n else: pass", 3),
        ("for x in a: pass\n else: pass", 2),
        ("while a: pass", 2),
        ("try: pass\n except A: pass\n except B: pass\n else: pass\n finally: pass", 3),
        ("with a: pass", 1),
        ("assert a", 1),
        ("return a if b else c", 2),
        ("return a and b and c or d", 4),
        ("return [x for x in a if x if y]", 4),
        ("return {x: y for x in a for y in x}", 3),
        ("return sum(x for x in a)", 2),
        ("match a:\n  case 1: pass\n  case 2 | 3: pass\n  case _: pass", 3),
        ("match a:\n  case x if x and y: pass\n  case other: pass", 3),
        ("return lambda x: x if x else 1", 2),
        ("if a and (b or c): return 1 if d else 2", 5),
    ],
)
def test_complexity_is_what_one_counts_by_hand(body: str, complexity: int) -> None:
    assert measured(f"def f():\n {body}\n") == {"f": complexity}


def test_a_coroutine_is_measured_like_a_function() -> None:
    assert measured("async def f():\n async for x in a:\n  async with b: pass\n return [y async for y in a]\n") == {
        "f": 3
    }


def test_a_nested_function_is_measured_by_itself() -> None:
    code = "def outer():\n if a: pass\n def inner():\n  if b: pass\n  if c: pass\n return inner\n"
    assert measured(code) == {"outer": 2, "outer.<locals>.inner": 3}


def test_methods_carry_the_name_of_their_class() -> None:
    code = "class A:\n if x: pass\n def m(self):\n  if a: pass\n class B:\n  def n(self): pass\n"
    assert measured(code) == {"A.m": 2, "A.B.n": 1}


def test_a_class_inside_a_function_counts_for_the_function_but_its_methods_do_not() -> None:
    code = "def f():\n class C:\n  if a: pass\n  def m(self):\n   if b: pass\n"
    assert measured(code) == {"f": 2, "f.<locals>.C.m": 2}


def test_defaults_and_decorators_count_where_they_are_evaluated() -> None:
    code = "def f():\n @(a if b else c)\n def g(x=1 if d else 2): pass\n"
    assert measured(code) == {"f": 3, "f.<locals>.g": 1}


def test_lines_are_counted_from_def_to_the_end() -> None:
    function = functions_in(
        parse(b"@decorated\n@twice\ndef f(\n    a,\n):\n    return (\n        a\n    )\n\n\nx = 1\n")
    )[0]
    assert (function.node.lineno, function.lines) == (3, 6)


def test_an_expression_nested_a_thousand_deep_is_measured() -> None:
    deep = "+".join(["a"] * 900)
    assert measured(f"def f():\n return {deep}\n") == {"f": 1}


def test_the_worst_and_the_longest_are_listed_with_their_place(tree: Tree) -> None:
    root = tree(
        {
            "a.py": "def calm():\n    a = 1\n    b = 2\n    return a + b\n",
            "b.py": "import x\n\nasync def wild(a):\n    return a or a or a\n",
        }
    )
    result = measure_functions(root, ["a.py", "b.py"])
    assert result["worst"][0] == {"file": "b.py", "line": 3, "function": "wild", "complexity": 3, "lines": 2}
    assert [row["function"] for row in result["longest"]] == ["calm", "wild"]
    assert (result["files"], result["functions"], result["async_functions"], result["methods"]) == (2, 2, 1, 0)


def test_functions_above_the_limits_and_docstrings_are_counted(tree: Tree) -> None:
    ifs = "    if a: pass\n"
    root = tree({"a.py": f"def ten():\n{ifs * 9}\ndef eleven():\n    '''Doc.'''\n{ifs * 10}\ndef many():\n{ifs * 20}"})
    result = measure_functions(root, ["a.py"])
    assert (result["over_10"], result["over_20"], result["documented"]) == (2, 1, 1)


def test_a_syntax_error_is_listed_with_line_and_message(tree: Tree) -> None:
    result = measure_functions(
        tree({"bad.py": "x = 1\ny = = 2\n", "good.py": "def f(): pass\n"}), ["bad.py", "good.py"]
    )
    assert result["unparsed"] == [{"file": "bad.py", "line": 2, "error": "invalid syntax"}]
    assert (result["unparsed_total"], result["functions"]) == (1, 1)


def test_no_files_measure_as_nothing(tree: Tree) -> None:
    result = measure_functions(tree({}), [])
    assert (result["functions"], result["worst"]) == (0, [])
    assert result["complexity"] == {"p50": 0, "p90": 0, "p99": 0, "max": 0, "mean": 0.0}


def test_percentiles_are_values_that_occur() -> None:
    assert percentiles(list(range(1, 101))) == {"p50": 50, "p90": 90, "p99": 99, "max": 100, "mean": 50.5}
    assert percentiles([7]) == {"p50": 7, "p90": 7, "p99": 7, "max": 7, "mean": 7.0}
    assert percentiles([3, 1]) == {"p50": 1, "p90": 3, "p99": 3, "max": 3, "mean": 2.0}


def test_every_value_falls_into_one_column_of_the_histogram() -> None:
    columns = histogram([1, 1, 2, 3, 10, 11, 20, 21, 51, 999])
    assert [(column["low"], column["high"], column["functions"]) for column in columns] == [
        (1, 1, 2),
        (2, 3, 2),
        (4, 5, 0),
        (6, 10, 1),
        (11, 15, 1),
        (16, 20, 1),
        (21, 30, 1),
        (31, 50, 0),
        (51, None, 2),
    ]
