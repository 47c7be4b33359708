"""What can be a key of what Lords remember: any text that every store keeps as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questline_persistence.arguments import MAX_KEY, flaw_of, key, key_prefix
from questline_persistence.errors import PayloadError
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.trying import named

#: Also what looks like a pattern, a path, a joined key or a namespace.
HOSTILE = st.sampled_from(
    ["%", "_", ".", ":", "/", "..", "acme", "acme-corp", "a:b", "%acme%", " ", "\n", "'; --", "é"]
)
TEXTS = HOSTILE | st.text(st.characters(), max_size=MAX_KEY + 5)


def fits(text: str) -> bool:
    return (
        1 <= len(text) <= MAX_KEY
        and "\0" not in text
        and not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    )


@settings(deadline=None)
@given(TEXTS)
def test_a_key_is_any_text_that_every_store_keeps_and_stays_as_it_is(text: str) -> None:
    if fits(text):
        assert key(text, "agent_id") == text
        assert AgentState(agent_id=text).agent_id == text
        assert key_prefix(text) == text
        return
    for refused in (lambda: key(text, "agent_id"), lambda: AgentState(agent_id=text)):
        with pytest.raises(PayloadError, match="agent_id: "):
            refused()


@pytest.mark.parametrize("none", [None, ""])
def test_no_prefix_is_the_empty_one(none: str | None) -> None:
    assert key_prefix(none) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "agent_id: it cannot be empty"),
        ("a" * 256, "agent_id: it has 256 characters; the limit is 255"),
        ("a\0b", "agent_id: 'a\\x00b' holds a NUL character"),
        ("\ud83d", "agent_id: '\\ud83d' holds half of a surrogate pair"),
        (7, "agent_id is text, not int"),
        (None, "agent_id is text, not NoneType"),
    ],
)
def test_what_is_no_key_is_told_in_a_sentence(value: object, said: str) -> None:
    with pytest.raises(PayloadError) as caught:
        key(value, "agent_id")
    assert caught.value.message == said


def test_a_text_without_bounds_may_be_empty_and_long() -> None:
    assert flaw_of("") is flaw_of("x" * 100_000) is flaw_of("žluťoučký\n😀") is None


def test_a_name_that_is_empty_is_seen_in_an_error() -> None:
    assert [named(name) for name in ("planner", "")] == ["planner", "''"]
