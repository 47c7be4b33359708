import pytest
from hypothesis import given
from hypothesis import strategies as st

from questline_persistence.errors import PayloadError
from questline_persistence.payload import PathPart, parse_path, path_of

KEYS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["a.b", "[0]", '"', "\\", "\n", " ", "0"])


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ([], ""),
        ([PathPart("a"), PathPart("b#2")], "a.b#2"),
        ([PathPart("a", quoted=True), PathPart("b")], '"a".b'),
        ([PathPart("a.b"), PathPart("")], '"a.b".""'),
        ([PathPart("a key"), PathPart('"[x]"')], '"a key"."\\"[x]\\""'),
        ([PathPart("größe"), PathPart("zeile\n2")], 'größe."zeile\\n2"'),
    ],
)
def test_a_path_quotes_what_would_be_read_otherwise(parts: list[PathPart], path: str) -> None:
    assert path_of(parts) == path


@given(st.lists(st.builds(PathPart, KEYS, st.booleans()), min_size=1, max_size=110))
def test_a_path_is_read_as_it_was_written(parts: list[PathPart]) -> None:
    read = parse_path(path_of(parts))
    assert [part.text for part in read] == [part.text for part in parts]
    assert all(there.quoted for there, part in zip(read, parts, strict=True) if part.quoted)


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a.", "[x]", '"a', '"a"b', "a]", ".".join("a" * 121)])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PayloadError, match="is not a path"):
        parse_path(path)
