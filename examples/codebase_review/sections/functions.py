"""How large and how branched the functions are."""

from typing import Final

from ..complexity import COMPLEX, VERY_COMPLEX, Column, FunctionMeasures, FunctionRow
from ..paper.charts import Bar, Tone, bar_chart, column_chart
from ..paper.document import Code, Figure, Paragraph, Section, Table, paragraph
from ..review import Review
from ..wording import counted, share

#: How many bars the chart of the worst functions has.
MAX_BARS: Final = 15


def functions_section(review: Review) -> Section:
    """Return how large and how branched the functions are."""
    functions = review.functions
    columns = [Bar(_range(column), column["functions"], _column_tone(column)) for column in functions["histogram"]]
    worst = [
        Bar(row["function"], row["complexity"], _worst_tone(row), f"{row['file']}:{row['line']}")
        for row in functions["worst"][:MAX_BARS]
    ]
    return Section(
        "Functions",
        [
            _in_numbers(functions),
            _percentile_table(review),
            Figure("Functions by cyclomatic complexity", column_chart("Complexity of functions", columns)),
            _histogram_table(review),
            Figure("The most branched functions", bar_chart("Complexity", worst)),
            _function_table("The most branched functions", functions["worst"], folded=False),
            _function_table("The longest functions", functions["longest"], folded=True),
        ],
    )


def _in_numbers(functions: FunctionMeasures) -> Paragraph:
    documented = share(functions["documented"], functions["functions"])
    return paragraph(
        f"{counted(functions['functions'], 'function').capitalize()}, {functions['methods']:,} of them methods and "
        f"{functions['async_functions']:,} async; {documented} have a docstring."
    )


def _percentile_table(review: Review) -> Table:
    measures = (("Complexity", review.functions["complexity"]), ("Lines", review.functions["lines"]))
    rows = [(name, m["p50"], m["p90"], m["p99"], m["max"], m["mean"]) for name, m in measures]
    return Table("Per function", ("Measure", "Median", "90 %", "99 %", "Largest", "Mean"), rows)


def _histogram_table(review: Review) -> Table:
    rows = [
        (_range(column), column["functions"], share(column["functions"], review.functions["functions"]))
        for column in review.functions["histogram"]
    ]
    return Table("Functions by cyclomatic complexity", ("Complexity", "Functions", "Share"), rows, folded=True)


def _function_table(caption: str, functions: list[FunctionRow], *, folded: bool) -> Table:
    rows = [
        (row["complexity"], row["lines"], Code(row["function"]), Code(f"{row['file']}:{row['line']}"))
        for row in functions
    ]
    return Table(caption, ("Complexity", "Lines", "Function", "Where"), rows, folded=folded)


def _range(column: Column) -> str:
    low, high = column["low"], column["high"]
    if high is None:
        return f"{low}+"
    return str(low) if low == high else f"{low} to {high}"


def _column_tone(column: Column) -> Tone:
    return _tone_of(column["low"])


def _worst_tone(row: FunctionRow) -> Tone:
    return _tone_of(row["complexity"])


def _tone_of(complexity: int) -> Tone:
    if complexity > VERY_COMPLEX:
        return "bad"
    return "warn" if complexity > COMPLEX else "good"
