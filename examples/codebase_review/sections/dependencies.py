"""How the modules depend on each other: hubs, cycles, layers, what comes from outside."""

from typing import Final

from ..imports import Cycle, Hub, ImportMap
from ..paper.charts import Bar, bar_chart
from ..paper.document import Block, Code, Figure, Paragraph, Section, Table, paragraph
from ..review import Review
from ..wording import counted, way_round

#: How many bars the chart has.
MAX_BARS: Final = 15


def dependencies_section(review: Review) -> Section:
    """Return the dependencies: hubs, cycles, layers, what comes from outside."""
    imports = review.imports
    fan_in = [Bar(hub["module"], hub["count"], note=hub["file"]) for hub in imports["fan_in"][:MAX_BARS]]
    blocks: list[Block] = [
        _in_numbers(imports),
        Figure("Most imported modules (by how many others)", bar_chart("Fan-in", fan_in)),
        _hub_table("Most imported modules", "Imported by", imports["fan_in"]),
        _hub_table("Modules that import most", "Imports", imports["fan_out"]),
        *_cycle_blocks("at import time", imports["cycles"], imports["cycles_total"]),
        *_cycle_blocks(
            "closed only by imports inside functions", imports["later_cycles"], imports["later_cycles_total"]
        ),
        _layer_table(imports["layers"]),
        _external_table(review),
    ]
    return Section("Dependencies", blocks)


def _in_numbers(imports: ImportMap) -> Paragraph:
    modules, lonely = counted(imports["modules"], "module"), imports["not_imported_total"]
    return paragraph(
        f"{counted(imports['edges'], 'dependency', 'dependencies').capitalize()} between {modules}; "
        f"{imports['later_edges']:,} of them come only from inside functions, and {imports['typing_edges']:,} more "
        f"are there for type checkers alone. {lonely:,} of the modules {'is' if lonely == 1 else 'are'} imported by no "
        "other here: entry points, tests, public modules, or dead code."
    )


def _hub_table(caption: str, head: str, hubs: list[Hub]) -> Table:
    rows = [(Code(hub["module"]), Code(hub["file"]), hub["count"]) for hub in hubs]
    return Table(caption, ("Module", "File", head), rows, folded=True)


def _cycle_blocks(which: str, cycles: list[Cycle], total: int) -> list[Block]:
    if not total:
        return [paragraph(f"Cycles {which}: none.")]
    shown = "" if len(cycles) == total else f" (the largest {len(cycles)} are listed)"
    rows = [(cycle["size"], Code(_members(cycle)), Code(way_round(cycle))) for cycle in cycles]
    return [Table(f"Cycles {which}: {total:,}{shown}", ("Modules", "Which", "A shortest way round"), rows)]


def _members(cycle: Cycle) -> str:
    more = cycle["size"] - len(cycle["modules"])
    return ", ".join(cycle["modules"]) + (f" and {more:,} more" if more else "")


def _layer_table(layers: list[int]) -> Table:
    rows = [(number, modules) for number, modules in enumerate(layers, 1)]
    return Table(
        f"Layers at import time: {len(layers)}", ("Layer (1 imports nothing here)", "Modules"), rows, folded=True
    )


def _external_table(review: Review) -> Table:
    rows = [
        (Code(row["module"]), "standard library" if row["standard"] else "other", row["files"])
        for row in review.imports["external"]
    ]
    return Table("Imported from outside of the tree", ("Module", "Where from", "Files"), rows, folded=True)
