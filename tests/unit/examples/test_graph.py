from examples.codebase_review.graph import components, cycles, layers, shortest_round


def test_components_come_dependencies_first() -> None:
    graph = {"app": {"core", "log"}, "core": {"log"}, "log": set[str]()}
    assert components(graph) == [["log"], ["core"], ["app"]]


def test_cycles_are_found_exactly() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"c", "e"}, "e": {"d"}, "f": {"a"}, "g": {"g"}, "h": set[str]()}
    assert cycles(graph) == [["a", "b", "c"], ["d", "e"], ["g"]]


def test_two_cycles_that_share_a_node_are_one_component() -> None:
    assert cycles({"a": {"b", "c"}, "b": {"a"}, "c": {"a"}}) == [["a", "b", "c"]]


def test_a_graph_deeper_than_the_recursion_limit_is_no_trouble() -> None:
    names = [f"{number:05}" for number in range(5000)]
    graph = {name: {after} for name, after in zip(names, [*names[1:], names[0]], strict=True)}
    assert cycles(graph) == [names]


def test_layers_count_from_what_depends_on_nothing() -> None:
    graph = {"app": {"core", "log"}, "core": {"log"}, "log": set[str](), "lone": set[str]()}
    assert layers(graph) == {"log": 1, "core": 2, "app": 3, "lone": 1}


def test_the_members_of_a_cycle_share_a_layer() -> None:
    assert layers({"a": {"b", "z"}, "b": {"a"}, "z": set(), "top": {"b"}}) == {"z": 1, "a": 2, "b": 2, "top": 3}


def test_the_shortest_way_round_is_given() -> None:
    graph = {"a": {"b"}, "b": {"c", "a"}, "c": {"d"}, "d": {"a"}}
    assert shortest_round(graph, ["a", "b", "c", "d"], "a") == ["a", "b"]
    assert shortest_round(graph, ["a", "b", "c", "d"], "c") == ["c", "d", "a", "b"]
    assert shortest_round({"a": {"a"}}, ["a"], "a") == ["a"]
