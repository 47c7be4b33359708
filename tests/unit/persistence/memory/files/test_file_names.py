import re

from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.memory.files.file_names import file_name
from questline_persistence.writes import Key

TEXTS = st.sampled_from(["", "a", "A", "..", "/", "a/b", "a_b", "é", "x" * 255]) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=255
)
KEYS = st.builds(Key, TEXTS, TEXTS, TEXTS)


@given(KEYS)
def test_a_name_is_short_plain_and_never_a_path(key: Key) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{0,60}-[0-9a-f]{32}\.json", file_name(key))


@given(KEYS, KEYS)
def test_two_keys_have_two_names_also_where_case_does_not_count(one: Key, other: Key) -> None:
    assert (file_name(one).lower() == file_name(other).lower()) == (one == other)


def test_a_name_shows_the_key_and_is_the_same_in_every_version() -> None:
    assert file_name(Key("default", "", "session-1")) == "session-1-e3bc5b013d0d3398cc09a872baf263e2.json"
