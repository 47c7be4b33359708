"""JSON as a tree: bounded, exact, in the order of its keys."""

from questline_gateway.dashboard.json_tree import MAX_NODES, MAX_STRING, MAX_TEXT, Node, tree_of


def _size(node: Node) -> int:
    return len(node.text) + len(node.key or "") + sum(_size(child) for child in node.children)


def test_integers_are_not_rounded_and_keys_keep_their_order() -> None:
    tree = tree_of({"z": 9007199254740993, "a": 12345678901234567890123})
    assert [(child.key, child.text) for child in tree.children] == [
        ("z", "9007199254740993"),
        ("a", "12345678901234567890123"),
    ]


def test_values_say_what_they_are() -> None:
    kinds = [child.kind for child in tree_of(["text", 1.5, True, None, {}, []]).children]
    assert kinds == ["s", "n", "b", "b", "o", "a"]


def test_a_large_value_is_cut_and_says_how_much_is_missing() -> None:
    tree = tree_of(["x" * 1_000] * 5_000)
    assert _size(tree) < MAX_TEXT + 2 * MAX_STRING
    assert len(tree.children) + tree.more == 5_000


def test_many_small_values_are_cut_too() -> None:
    tree = tree_of({"inner": list(range(100_000))})
    assert len(tree.children[0].children) < MAX_NODES
    assert len(tree.children[0].children) + tree.children[0].more == 100_000


def test_a_long_text_is_cut() -> None:
    assert tree_of("x" * 10_000).text.endswith("… (10,000 characters)")
