"""Directed graphs: strongly connected components, layers, a shortest way round. No recursion anywhere."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping

Graph = Mapping[str, Collection[str]]


class _Tarjan:
    """One run of Tarjan's algorithm; its stack of calls is a list, so a deep graph cannot exhaust Python's."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found: list[list[str]] = []
        self.index: dict[str, int] = {}
        self.low: dict[str, int] = {}
        self.open: list[str] = []
        self.is_open: set[str] = set()
        self.calls: list[tuple[str, Iterator[str]]] = []

    def visit(self, start: str) -> None:
        """Find the components that can be reached from `start` and were not found before."""
        self._enter(start)
        while self.calls:
            node, successors = self.calls[-1]
            unvisited = self._advance(node, successors)
            if unvisited is None:
                self._leave(node)
            else:
                self._enter(unvisited)

    def _enter(self, node: str) -> None:
        self.index[node] = self.low[node] = len(self.index)
        self.open.append(node)
        self.is_open.add(node)
        self.calls.append((node, iter(sorted(self.graph.get(node, ())))))

    def _advance(self, node: str, successors: Iterator[str]) -> str | None:
        for successor in successors:
            if successor not in self.index:
                return successor
            if successor in self.is_open:
                self.low[node] = min(self.low[node], self.index[successor])
        return None

    def _leave(self, node: str) -> None:
        self.calls.pop()
        if self.calls:
            caller = self.calls[-1][0]
            self.low[caller] = min(self.low[caller], self.low[node])
        if self.low[node] == self.index[node]:
            start = self.open.index(node)
            component, self.open[start:] = self.open[start:], []
            self.is_open.difference_update(component)
            self.found.append(sorted(component))


def components(graph: Graph) -> list[list[str]]:
    """Return the strongly connected components, each sorted, what is depended on before what depends on it."""
    run = _Tarjan(graph)
    for node in sorted(graph):
        if node not in run.index:
            run.visit(node)
    return run.found


def cycles(graph: Graph) -> list[list[str]]:
    """Return the components in which one can go round, the largest first."""
    found = [part for part in components(graph) if len(part) > 1 or part[0] in graph.get(part[0], ())]
    return sorted(found, key=lambda part: (-len(part), part))


def layers(graph: Graph) -> dict[str, int]:
    """Return each node's layer: 1 where it depends on nothing, else one above the highest thing it depends on.

    The members of a cycle share one layer.
    """
    layer: dict[str, int] = {}
    for component in components(graph):
        members = set(component)
        below = [layer[to] for node in component for to in graph.get(node, ()) if to not in members]
        layer.update(dict.fromkeys(component, 1 + max(below, default=0)))
    return layer


def shortest_round(graph: Graph, component: Collection[str], start: str) -> list[str]:
    """Return a shortest cycle through `start` inside its component, without the repeated end."""
    members = set(component)
    came_from: dict[str, str] = {}
    pending = deque([start])
    while pending:
        node = pending.popleft()
        for successor in sorted(graph.get(node, ())):
            if successor == start:
                return _way_back(came_from, start, node)
            if successor in members and successor not in came_from:
                came_from[successor] = node
                pending.append(successor)
    return []


def _way_back(came_from: Mapping[str, str], start: str, node: str) -> list[str]:
    way = [node]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]
