"""What the findings say in words: the headline, the summary, and what to look at first."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Final

from .complexity import COMPLEX, VERY_COMPLEX, FunctionMeasures
from .imports import ImportMap
from .paper.document import Block, Code, Inline, Items, Section, Strong, Tile, Tiles, paragraph
from .review import Review
from .risks import Finding, Risks
from .wording import counted, share, way_round

#: A file with more lines than this is named among the first things to look at.
LONG_FILE: Final = 2_000
#: How many things to look at first.
MAX_FIRST: Final = 7


def overview_section(review: Review) -> Section:
    """Return the numbers, the summary in words, and what to look at first."""
    first = look_first(review)
    blocks: list[Block] = [_tiles(review), *(paragraph(*parts) for parts in in_words(review))]
    if first:
        blocks += [paragraph("Look here first:"), Items(first, ordered=True)]
    return Section("Summary", blocks)


def _tiles(review: Review) -> Tiles:
    functions, cycles, risks = review.functions, review.imports["cycles_total"], review.risks["by_severity"]
    return Tiles(
        [
            Tile(f"{review.survey['python_total']:,}", "Python files"),
            Tile(f"{review.lines_of_code:,}", "lines of code"),
            Tile(f"{functions['functions']:,}", "functions"),
            Tile(f"{cycles:,}", "import cycles", "warn" if cycles else "good"),
            Tile(
                f"{functions['over_20']:,}",
                f"above complexity {VERY_COMPLEX}",
                "warn" if functions["over_20"] else "good",
            ),
            Tile(f"{risks['high']:,}", "high-severity risks", "bad" if risks["high"] else "good"),
        ]
    )


def headline(review: Review) -> str:
    """Return the findings in two sentences."""
    survey, risks = review.survey, review.risks
    if not survey["python_total"]:
        return f"{survey['name']}: no Python files in {counted(survey['files_total'], 'file')}; nothing to review."
    return (
        f"{survey['name']}: {counted(review.functions['functions'], 'function')} in "
        f"{counted(survey['python_total'], 'Python file')}, {counted(review.lines_of_code, 'line')} of code. "
        f"{counted(review.imports['cycles_total'], 'import cycle').capitalize()}, "
        f"{counted(review.functions['over_20'], 'function')} above complexity {VERY_COMPLEX}, "
        f"{counted(risks['by_severity']['high'], 'high-severity risk')}."
    )


def headline_findings(review: Review) -> list[str]:
    """Return what to look at first as plain sentences, for the Lord's output."""
    return ["".join(part if isinstance(part, str) else part.text for part in entry) for entry in look_first(review)]


def in_words(review: Review) -> list[list[Inline]]:
    """Return the summary: a paragraph for each analysis."""
    return [_size(review), _dependencies(review.imports), _branching(review.functions), _risky(review.risks)]


def _size(review: Review) -> list[Inline]:
    survey, kinds = review.survey, review.survey["kinds"]
    comment = sum(totals["comment"] for totals in kinds.values())
    tests = kinds["test"]["code"]
    text = (
        f" Of {counted(survey['files_total'], 'file')}, {survey['python_total']:,} are Python, with "
        f"{counted(review.lines_of_code, 'line')} of code and {comment:,} of comment alone. "
    )
    text += (
        f"Tests make up {share(tests, review.lines_of_code)} of the code."
        if tests
        else "There are no tests among them."
    )
    return [Strong("Size."), text]


def _dependencies(imports: ImportMap) -> list[Inline]:
    modules, edges = counted(imports["modules"], "module"), counted(imports["edges"], "dependency", "dependencies")
    text = f" Between {modules} run {edges}, in {counted(imports['depth'], 'layer')}. {_cycles(imports)}"
    if imports["later_cycles_total"]:
        further = counted(imports["later_cycles_total"], "further or larger one")
        text += f" Imports inside functions close {further}."
    return [Strong("Dependencies."), text]


def _cycles(imports: ImportMap) -> str:
    total = imports["cycles_total"]
    if not total:
        return "No cycle exists at import time."
    tied = counted(imports["modules_in_cycles"], "module")
    cycles = f"{counted(total, 'cycle').capitalize()} at import time {'ties' if total == 1 else 'tie'} together {tied}"
    return f"{cycles}; the largest has {imports['cycles'][0]['size']}." if total > 1 else f"{cycles}."


def _branching(functions: FunctionMeasures) -> list[Inline]:
    if not functions["worst"]:
        return [Strong("Functions."), " There are none."]
    complexity, worst = functions["complexity"], functions["worst"][0]
    over = share(functions["over_10"], functions["functions"])
    text = (
        f" Half of them have a complexity of {complexity['p50']} or less, nine in ten of {complexity['p90']} or less. "
        f"{functions['over_10']:,} ({over}) pass {COMPLEX}, {functions['over_20']:,} pass {VERY_COMPLEX}. "
        "The most branched is "
    )
    place = Code(f"{worst['file']}:{worst['line']}")
    return [Strong("Functions."), text, Code(worst["function"]), " in ", place, f", with {worst['complexity']}."]


def _risky(risks: Risks) -> list[Inline]:
    outside = risks["total"] - risks["in_tests"]
    if not outside:
        return [Strong("Risks."), " No rule found anything outside of tests."]
    by, most = risks["by_severity"], max(risks["rules"], key=itemgetter("count"))
    text = (
        f" Outside of tests the rules found {counted(outside, 'place')}: {by['high']:,} of high severity, "
        f"{by['medium']:,} of medium, {by['low']:,} of low. The most frequent is “{most['title']}”, "
        f"{counted(most['count'], 'time')}."
    )
    return [Strong("Risks."), text]


def look_first(review: Review) -> list[list[Inline]]:
    """Return the places most worth a visit, the worst first."""
    entries = [*_risks_first(review.risks), *_shape_first(review), *_unread_first(review)]
    return entries[:MAX_FIRST]


def _risks_first(risks: Risks) -> Iterator[list[Inline]]:
    """Yield an entry for each of the three most frequent rules of high severity."""
    rows = sorted(
        (row for row in risks["rules"] if row["severity"] == "high" and row["count"]), key=lambda row: -row["count"]
    )
    for row in rows[:3]:
        entry: list[Inline] = [Strong(f"{row['title']}, {counted(row['count'], 'time')}."), f" {row['advice']} "]
        if example := _example(risks, row["rule"]):
            entry += ["First seen in ", Code(f"{example['file']}:{example['line']}"), "."]
        yield entry


def _example(risks: Risks, rule: str) -> Finding | None:
    return next((found for found in risks["findings"] if found["rule"] == rule and not found["in_tests"]), None)


def _shape_first(review: Review) -> Iterator[list[Inline]]:
    """Yield entries about the worst function, the largest cycle and the longest file, as far as they are bad."""
    worst = review.functions["worst"][:1]
    if worst and worst[0]["complexity"] > VERY_COMPLEX:
        place = Code(f"{worst[0]['file']}:{worst[0]['line']}")
        measures = f" has complexity {worst[0]['complexity']} in {counted(worst[0]['lines'], 'line')} ("
        yield [Strong("The most branched function."), " ", Code(worst[0]["function"]), measures, place, ")."]
    if review.imports["cycles"]:
        cycle = review.imports["cycles"][0]
        yield [Strong(f"An import cycle of {cycle['size']} modules."), " ", Code(way_round(cycle))]
    largest = review.survey["largest"][:1]
    if largest and largest[0]["lines"] > LONG_FILE:
        yield [
            Strong("The longest file."),
            " ",
            Code(largest[0]["file"]),
            f" has {counted(largest[0]['lines'], 'line')}.",
        ]


def _unread_first(review: Review) -> Iterator[list[Inline]]:
    total = review.functions["unparsed_total"]
    if total:
        files = counted(total, "file")
        yield [
            Strong(f"{files.capitalize()} cannot be parsed."),
            " Nothing below is known about them; the list is at the end.",
        ]
