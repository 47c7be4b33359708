import base64

import pytest

from questline_persistence.errors import EncryptionError
from questline_persistence.payload import CLEAR, Cell, is_sealed, key_of, parse_keys
from questline_persistence.payload.sealing import Sealing
from tests.payload_codec import KEYS, sealing

HERE = Cell("quest_steps", "params", ("quest", 0, "0001"))
TEXT = '{"card":"4111 1111 1111 1111"}'


@pytest.mark.parametrize("compress_from", [None, 10])
@pytest.mark.parametrize("text", [TEXT, '{"name":"Zoë"}' * 100, "a text that is no JSON", "~q1.a.alpha.AAAA"])
def test_what_is_sealed_comes_back_and_says_nothing_meanwhile(text: str, compress_from: int | None) -> None:
    codec = sealing("alpha", compress_from=compress_from)
    sealed = codec.seal(text, HERE)

    assert is_sealed(sealed)
    assert key_of(sealed) == "alpha"
    assert "card" not in sealed
    assert codec.open(sealed, HERE) == text


def test_no_two_texts_are_sealed_alike() -> None:
    codec = sealing("alpha")

    assert codec.seal(TEXT, HERE) != codec.seal(TEXT, HERE)


@pytest.mark.parametrize(
    "there",
    [
        HERE._replace(table="lord_runs"),
        HERE._replace(column="output_data"),
        HERE._replace(row=("quest", 0, "0002")),
        HERE._replace(row=("quest", 1, "0001")),
        HERE._replace(row=("quest", 0, None)),
        HERE._replace(row=("quest", 0, "-")),
        HERE._replace(row=("quest0", "", "0001")),
    ],
)
def test_what_is_copied_to_another_cell_is_refused(there: Cell) -> None:
    codec = sealing("alpha")

    with pytest.raises(EncryptionError, match="was not written there") as refused:
        codec.open(codec.seal(TEXT, HERE), there)
    assert refused.value.key_id is None


@pytest.mark.parametrize("at", [-2, -20, -60])
def test_what_was_changed_is_refused(at: int) -> None:
    codec = sealing("alpha")
    sealed = codec.seal(TEXT, HERE)
    changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]

    with pytest.raises(EncryptionError, match=r"quest_steps\.params of quest/0/0001 was not written there"):
        codec.open(changed, HERE)


def test_a_text_is_not_taken_for_one_of_another_key_or_form() -> None:
    codec = sealing("alpha", "beta", compress_from=10)
    sealed = codec.seal(TEXT * 10, HERE)

    for changed in (sealed.replace(".alpha.", ".beta."), sealed.replace("~q1.za.", "~q1.a.")):
        with pytest.raises(EncryptionError, match="was not written there"):
            codec.open(changed, HERE)


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old, both = sealing("alpha"), sealing("beta", "alpha")
    sealed = old.seal(TEXT, HERE)

    assert both.open(sealed, HERE) == TEXT
    assert key_of(both.seal(TEXT, HERE)) == "beta"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal(TEXT, HERE))


def test_a_key_that_is_not_there_is_named() -> None:
    sealed = sealing("alpha").seal(TEXT, HERE)

    for codec in (CLEAR, sealing("beta")):
        assert not codec.can_open(sealed)
        with pytest.raises(EncryptionError, match="encrypted with the key 'alpha'") as refused:
            codec.open(sealed, HERE)
        assert refused.value.key_id == "alpha"


def test_what_stands_in_clear_is_read_with_a_codec_and_without() -> None:
    for codec in (CLEAR, sealing("alpha")):
        assert codec.can_open(TEXT)
        assert codec.open(TEXT, HERE) == TEXT


def test_payloads_may_be_compressed_only_and_are_read_by_all() -> None:
    codec = Sealing(compress_from=100)
    packed = codec.seal(TEXT * 100, HERE)

    assert len(packed) < len(TEXT) * 10
    assert codec.seal(TEXT, HERE) == TEXT
    assert CLEAR.can_open(packed)
    assert CLEAR.open(packed, HERE) == sealing("alpha").open(packed, HERE) == TEXT * 100


def test_what_compression_would_not_shorten_is_left() -> None:
    noise = base64.b85encode(bytes(range(256)) * 2).decode()[:300]

    assert Sealing(compress_from=100).seal(noise[:150], HERE) == noise[:150]


@pytest.mark.parametrize("text", ["{}", ""])
def test_what_says_nothing_is_not_sealed(text: str) -> None:
    assert sealing("alpha").seal(text, HERE) == text


def test_keys_are_read_in_their_order() -> None:
    keys = parse_keys(f"{KEYS['beta']},\n {KEYS['alpha']}")

    assert list(keys) == ["beta", "alpha"]
    assert keys["alpha"] == b"a" * 32


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("c2VjcmV0", "has no id"),
        ("k1:secret!", "'k1' is not base64"),
        ("k1:c2VjcmV0", "'k1' has 6 bytes, not 32"),
        (f"{KEYS['alpha']},{KEYS['alpha']}", "'alpha' is there twice"),
    ],
)
def test_a_key_that_is_none_is_told_and_not_repeated(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        parse_keys(text)
    assert "c2VjcmV0" not in str(refused.value)
