"""How large and how branched the functions are: cyclomatic complexity from the syntax tree.

A function starts at 1. Each `if`, `elif`, `for`, `while`, `except`, conditional expression, `for` and `if` of a
comprehension, and `case` that can fail to match adds 1, and so does each further operand of `and` or `or`. A nested
function is measured by itself and adds nothing to the one around it; a lambda is not a function here, what it decides
belongs to the function around it.
"""

import ast
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from .budget import within
from .source import Problem, children, parsed_files

#: Limits of the output.
MAX_WORST: Final = 25
MAX_PROBLEMS: Final = 100
MAX_ROWS_BYTES: Final = 24_000
#: Above this a function is worth splitting; the report counts the ones above it.
COMPLEX: Final = 10
#: Above this a function is hard to test at all.
VERY_COMPLEX: Final = 20
#: The lowest complexity of each column of the histogram; the last column is open.
HISTOGRAM_STARTS: Final = (1, 2, 4, 6, 11, 16, 21, 31, 51)

_ONE_POINT: Final = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp)


class FunctionRow(TypedDict):
    """One function, with its name as Python qualifies it."""

    file: str
    line: int
    function: str
    complexity: int
    lines: int


class Column(TypedDict):
    """A column of the histogram: functions with a complexity from `low` to `high` (None: without end)."""

    low: int
    high: int | None
    functions: int


class Percentiles(TypedDict):
    """The median, the ninth decile, the 99th percentile, the maximum and the mean of a measure."""

    p50: int
    p90: int
    p99: int
    max: int
    mean: float


class FunctionMeasures(TypedDict):
    """What the forge master hands on."""

    files: int
    functions: int
    methods: int
    async_functions: int
    documented: int
    over_10: int
    over_20: int
    complexity: Percentiles
    lines: Percentiles
    histogram: list[Column]
    worst: list[FunctionRow]
    longest: list[FunctionRow]
    unparsed: list[Problem]
    unparsed_total: int


@dataclass(slots=True)
class Function:
    """A function while it is measured."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    is_method: bool
    complexity: int = 1

    @property
    def lines(self) -> int:
        """Return the lines from `def` to the end, decorators left out."""
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1


@dataclass(frozen=True, slots=True)
class _Scope:
    """A stretch of code whose decisions count for one function, or for none."""

    nodes: list[ast.AST]
    owner: Function | None
    prefix: str
    is_class: bool = False


def functions_in(tree: ast.Module) -> list[Function]:
    """Measure every function of a module, in the order of their lines."""
    found: list[Function] = []
    pending = [_Scope([tree], None, "")]
    while pending:
        pending.extend(_measure(pending.pop(), found))
    return sorted(found, key=lambda function: (function.node.lineno, function.node.col_offset))


def _measure(scope: _Scope, found: list[Function]) -> list[_Scope]:
    """Add the decisions of a scope to its owner; return the scopes that stand inside it."""
    inner: list[_Scope] = []
    points = 0
    pending = list(scope.nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = Function(scope.prefix + node.name, node, scope.is_class)
            found.append(function)
            inner.append(_Scope(list(node.body), function, f"{function.name}.<locals>."))
            pending.extend([*node.decorator_list, node.args])
        elif isinstance(node, ast.ClassDef):
            inner.append(_Scope(list(node.body), scope.owner, f"{scope.prefix}{node.name}.", is_class=True))
            pending.extend([*node.decorator_list, *node.bases, *node.keywords])
        else:
            points += decision_points(node)
            pending.extend(children(node))
    if scope.owner:
        scope.owner.complexity += points
    return inner


def decision_points(node: ast.AST) -> int:
    """Return what a single node adds to the complexity of the function it stands in."""
    if isinstance(node, _ONE_POINT):
        return 1
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    if isinstance(node, ast.match_case):
        return 0 if node.guard is None and _always_matches(node.pattern) else 1
    return 0


def _always_matches(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def measure_functions(root: str, paths: Iterable[str]) -> FunctionMeasures:
    """Measure the functions of the files `paths` below `root`."""
    problems: list[Problem] = []
    rows: list[FunctionRow] = []
    totals = FunctionMeasures(
        files=0,
        functions=0,
        methods=0,
        async_functions=0,
        documented=0,
        over_10=0,
        over_20=0,
        complexity=percentiles([]),
        lines=percentiles([]),
        histogram=[],
        worst=[],
        longest=[],
        unparsed=[],
        unparsed_total=0,
    )
    for path, tree in parsed_files(root, paths, problems):
        totals["files"] += 1
        for function in functions_in(tree):
            _count(totals, function)
            rows.append(_row(path, function))
    _summarise(totals, rows, problems)
    return totals


def _count(totals: FunctionMeasures, function: Function) -> None:
    totals["functions"] += 1
    totals["methods"] += function.is_method
    totals["async_functions"] += isinstance(function.node, ast.AsyncFunctionDef)
    totals["documented"] += ast.get_docstring(function.node, clean=False) is not None
    totals["over_10"] += function.complexity > COMPLEX
    totals["over_20"] += function.complexity > VERY_COMPLEX


def _row(path: str, function: Function) -> FunctionRow:
    return FunctionRow(
        file=path,
        line=function.node.lineno,
        function=function.name[:200],
        complexity=function.complexity,
        lines=function.lines,
    )


def _summarise(totals: FunctionMeasures, rows: list[FunctionRow], problems: list[Problem]) -> None:
    worst = sorted(rows, key=lambda row: (-row["complexity"], -row["lines"], row["file"], row["line"]))
    longest = sorted(rows, key=lambda row: (-row["lines"], row["file"], row["line"]))
    totals["complexity"] = percentiles([row["complexity"] for row in rows])
    totals["lines"] = percentiles([row["lines"] for row in rows])
    totals["histogram"] = histogram([row["complexity"] for row in rows])
    totals["worst"] = within(worst, MAX_WORST, MAX_ROWS_BYTES)
    totals["longest"] = within(longest, MAX_WORST, MAX_ROWS_BYTES)
    totals["unparsed"] = within(problems, MAX_PROBLEMS, MAX_ROWS_BYTES)
    totals["unparsed_total"] = len(problems)


def histogram(values: Iterable[int]) -> list[Column]:
    """Count values into the columns that start at `HISTOGRAM_STARTS`."""
    ends = [start - 1 for start in HISTOGRAM_STARTS[1:]]
    columns = [
        Column(low=low, high=high, functions=0) for low, high in zip(HISTOGRAM_STARTS, [*ends, None], strict=True)
    ]
    for value in values:
        column = next(column for column in reversed(columns) if value >= column["low"])
        column["functions"] += 1
    return columns


def percentiles(values: Sequence[int]) -> Percentiles:
    """Return percentiles by the nearest rank: each is a value that occurs; all are 0 for no values."""
    if not values:
        return Percentiles(p50=0, p90=0, p99=0, max=0, mean=0.0)
    ordered = sorted(values)
    return Percentiles(
        p50=_at(ordered, 50),
        p90=_at(ordered, 90),
        p99=_at(ordered, 99),
        max=ordered[-1],
        mean=round(sum(ordered) / len(ordered), 2),
    )


def _at(ordered: Sequence[int], percent: int) -> int:
    rank = math.ceil(len(ordered) * percent / 100)
    return ordered[rank - 1]
