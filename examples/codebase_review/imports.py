"""How the modules of a tree depend on each other: the import graph, its cycles, its layers, its hubs."""

import ast
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypedDict

from . import graph
from .budget import within
from .modules import Modules
from .source import Problem, dotted_name, parsed_files

#: Limits of the output.
MAX_CYCLES: Final = 20
MAX_CYCLE_MEMBERS: Final = 12
MAX_HUBS: Final = 15
MAX_EXTERNAL: Final = 20
MAX_LAYERS: Final = 200
MAX_ROWS_BYTES: Final = 24_000

#: When an import runs: as the module is imported, later (in a function, or only as a script), or never.
When = Literal["import", "later", "typing"]


class ImportStatement(NamedTuple):
    """An import statement and when it runs."""

    node: ast.Import | ast.ImportFrom
    when: When


class Hub(TypedDict):
    """A module and the number of others that it imports, or that import it."""

    module: str
    file: str
    count: int


class Cycle(TypedDict):
    """A strongly connected component: its size, its first members, and one shortest way round."""

    size: int
    modules: list[str]
    example: list[str]


class External(TypedDict):
    """A top-level module from outside of the tree, and how many files import it."""

    module: str
    files: int
    standard: bool


class ImportMap(TypedDict):
    """What the architect hands on. Edges are pairs of modules, counted once however often they import."""

    modules: int
    edges: int
    later_edges: int
    typing_edges: int
    cycles: list[Cycle]
    cycles_total: int
    modules_in_cycles: int
    later_cycles: list[Cycle]
    later_cycles_total: int
    fan_in: list[Hub]
    fan_out: list[Hub]
    not_imported_total: int
    layers: list[int]
    depth: int
    external: list[External]
    external_total: int
    ambiguous_names: int
    unparsed: int


@dataclass(slots=True)
class _Edges:
    """Edges by when they run; a pair is kept at its earliest time only."""

    at: dict[When, dict[str, set[str]]] = field(default_factory=dict)
    external: Counter[str] = field(default_factory=Counter)

    def of(self, *times: When) -> dict[str, set[str]]:
        """Return the union of the graphs for these times."""
        union: dict[str, set[str]] = {}
        for time in times:
            for node, successors in self.at[time].items():
                union.setdefault(node, set()).update(successors)
        return union


def map_imports(root: str, paths: Iterable[str], known: Iterable[str] | None = None) -> ImportMap:
    """Build the import graph of the files `paths` below `root`.

    `known` names all files that an import may lead to; it is needed when `paths` can be read only once.
    """
    listed = list(paths) if known is None else paths
    modules = Modules(root, listed if known is None else known)
    problems: list[Problem] = []
    edges = _Edges({time: {path: set() for path in modules.by_path} for time in ("import", "later", "typing")})
    for path, tree in parsed_files(root, listed, problems):
        _add_edges(edges, modules, path, tree)
    _keep_earliest(edges)
    return _import_map(modules, edges, len(problems))


def import_statements(tree: ast.Module) -> Iterator[ImportStatement]:
    """Yield every import statement; expressions, which hold none, are not walked."""
    pending: list[tuple[ast.AST, When]] = [(tree, "import")]
    while pending:
        node, when = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield ImportStatement(node, when)
        elif isinstance(node, ast.If):
            pending += [(child, _when_inside(node, when)) for child in node.body]
            pending += [(child, when) for child in node.orelse]
        else:
            inside: When = "later" if _is_function(node) and when == "import" else when
            pending += [(child, inside) for child in _statements(node)]


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        below = getattr(node, name, None)
        if isinstance(below, list):
            yield from below


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _when_inside(node: ast.If, when: When) -> When:
    """Return when the body of an `if` runs that itself runs at `when`."""
    test = dotted_name(node.test) or ""
    if test.rpartition(".")[2] == "TYPE_CHECKING":
        return "typing"
    if when == "import" and isinstance(node.test, ast.Compare) and dotted_name(node.test.left) == "__name__":
        return "later"
    return when


def _add_edges(edges: _Edges, modules: Modules, path: str, tree: ast.Module) -> None:
    outside: set[str] = set()
    for node, when in import_statements(tree):
        for target in _targets(modules, path, node, outside):
            if target != path:
                edges.at[when][path].add(target)
    edges.external.update(outside)


def _targets(modules: Modules, path: str, node: ast.Import | ast.ImportFrom, outside: set[str]) -> Iterator[str]:
    """Yield the files that a statement imports; add the top-level name of what is not in the tree to `outside`."""
    if isinstance(node, ast.ImportFrom) and node.level:
        yield from _relative_targets(modules, path, node)
        return
    for name in _wanted_names(node):
        target = modules.longest(name, path)
        if target:
            yield target
        else:
            outside.add(name.partition(".")[0])


def _wanted_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the dotted names wanted; `from a import b` wants `a.b`, which may be a module or a name in `a`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module) if alias.name == "*" else f"{node.module}.{alias.name}" for alias in node.names]


def _relative_targets(modules: Modules, path: str, node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    for alias in node.names:
        longer = f"{module}.{alias.name}".lstrip(".")
        target = modules.relative(path, node.level, longer) or modules.relative(path, node.level, module)
        if target:
            yield target


def _keep_earliest(edges: _Edges) -> None:
    for path, soon in edges.at["import"].items():
        edges.at["later"][path] -= soon
        edges.at["typing"][path] -= soon | edges.at["later"][path]


def _import_map(modules: Modules, edges: _Edges, unparsed: int) -> ImportMap:
    at_import, at_run = edges.of("import"), edges.of("import", "later")
    cycles = graph.cycles(at_import)
    later_cycles = [cycle for cycle in graph.cycles(at_run) if cycle not in cycles]
    layer = Counter(graph.layers(at_import).values())
    fan_in = _fan_in(at_run)
    return ImportMap(
        modules=len(modules.by_path),
        edges=_size(at_run),
        later_edges=_size(edges.at["later"]),
        typing_edges=_size(edges.at["typing"]),
        cycles=_described(modules, at_import, cycles),
        cycles_total=len(cycles),
        modules_in_cycles=sum(map(len, cycles)),
        later_cycles=_described(modules, at_run, later_cycles, told={path for cycle in cycles for path in cycle}),
        later_cycles_total=len(later_cycles),
        fan_in=_hubs(modules, fan_in),
        fan_out=_hubs(modules, {path: len(targets) for path, targets in at_run.items()}),
        not_imported_total=sum(1 for count in fan_in.values() if count == 0),
        layers=[layer[number] for number in sorted(layer)][:MAX_LAYERS],
        depth=max(layer, default=0),
        external=_external(edges.external),
        external_total=len(edges.external),
        ambiguous_names=len(modules.ambiguous),
        unparsed=unparsed,
    )


def _size(edges: Mapping[str, set[str]]) -> int:
    return sum(map(len, edges.values()))


def _fan_in(edges: Mapping[str, set[str]]) -> dict[str, int]:
    counts = dict.fromkeys(edges, 0)
    for targets in edges.values():
        for target in targets:
            counts[target] += 1
    return counts


def _hubs(modules: Modules, counts: Mapping[str, int]) -> list[Hub]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [Hub(module=modules.name(path), file=path, count=count) for path, count in ordered if count]
    return within(rows, MAX_HUBS, MAX_ROWS_BYTES)


def _described(
    modules: Modules, edges: graph.Graph, cycles: list[list[str]], told: Collection[str] = ()
) -> list[Cycle]:
    """Describe cycles; the example starts at a module of which no cycle was `told` before, if there is one."""
    starts = [next((path for path in cycle if path not in told), cycle[0]) for cycle in cycles]
    rows = [
        Cycle(
            size=len(cycle),
            modules=[modules.name(path) for path in cycle[:MAX_CYCLE_MEMBERS]],
            example=[modules.name(path) for path in graph.shortest_round(edges, cycle, start)],
        )
        for cycle, start in zip(cycles[:MAX_CYCLES], starts, strict=False)
    ]
    return within(rows, MAX_CYCLES, MAX_ROWS_BYTES)


def _external(counts: Counter[str]) -> list[External]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        External(module=name, files=count, standard=name in sys.stdlib_module_names)
        for name, count in ordered[:MAX_EXTERNAL]
    ]
    return within(rows, MAX_EXTERNAL, MAX_ROWS_BYTES)
