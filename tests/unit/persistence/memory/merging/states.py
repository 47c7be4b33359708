"""States for the properties of differences and merges: random ones, and random changes of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from questline_persistence.memory.merging.entries import same
from questline_persistence.payload import encode

KEYS = st.sampled_from(["a", "b", "c", "a.b", "", "id", "[0]", 'q"'])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, -0.5, 2**80, "", "a", "ü"])


def _items(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return lists of objects, each of which has an id of its own."""
    ids = st.lists(st.sampled_from("pqrst"), max_size=5, unique=True) | st.lists(
        st.integers(1, 5), max_size=5, unique=True
    )
    return ids.flatmap(
        lambda found: st.tuples(*(st.dictionaries(KEYS, values, max_size=2).map(_with_id(one)) for one in found)).map(
            list
        )
    )


def _with_id(one: Any) -> Any:
    return lambda item: {**item, "id": one}


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(KEYS, values, max_size=4) | st.lists(values, max_size=3) | _items(values)


#: Few keys and few values, so that random states have much in common.
VALUES = st.recursive(SCALARS, _containers, max_leaves=6)
#: No text at the top: what an agent keeps as text is read, and may be the same for other words.
STATES = _containers(VALUES) | SCALARS.filter(lambda value: not isinstance(value, str))


@st.composite
def changed(draw: st.DrawFn, state: Any) -> Any:
    """Return a state that was made of another one: entries changed, removed, added, moved, at any depth."""
    if isinstance(state, dict) and draw(st.booleans()):
        kept = {
            key: draw(changed(value)) if key != "id" else value
            for key, value in state.items()
            if draw(st.integers(0, 4))
        }
        return {**kept, **draw(st.dictionaries(KEYS.filter(lambda key: key != "id"), VALUES, max_size=1))}
    if isinstance(state, list) and draw(st.booleans()):
        kept_items = [draw(changed(item)) for item in state if draw(st.integers(0, 4))]
        return draw(st.permutations(kept_items)) if draw(st.integers(0, 3)) == 0 else kept_items
    return state if draw(st.integers(0, 3)) else draw(VALUES)


def is_exactly(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON, with their keys in the same order."""
    return same(one, other) and encode(one, what="one") == encode(other, what="other")
