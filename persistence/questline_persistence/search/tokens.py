"""Text as tokens: what is searched for and found, the same on every store, because no store takes a text apart.

A token is written in small ASCII letters and digits; a character beyond ASCII as `_` and five hexadecimal digits. So
one token begins with another exactly where its word begins with the other's, and no Unicode table, locale or encoding
of a database matters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

#: Longest token, in characters of its word; the rest of a longer word is not looked at.
MAX_TOKEN = 64
#: Most tokens of a row, gaps among them; the rest of a longer one is not searched. A `tsvector` has 16,383 places.
MAX_TOKENS = 10_000
#: Most that the tokens of a row may amount to, in bytes as written. A `tsvector` holds 1 MiB, with a word's places.
MAX_WRITTEN = 500_000
#: How often a word is kept for one row; from then on it is a gap. A `tsvector` keeps no more than 256 places.
MAX_REPEATS = 255
#: Most characters of one text that are looked at.
MAX_CHARACTERS = 1_000_000
#: Most marks in a row that normalization gets to see (UAX #15, "Stream-Safe Text Format"): it sorts them one by one.
MAX_MARKS = 30
_END = object()
#: What stands where there is no token to find: between two texts, so that no phrase goes across.
GAP = "_"

#: The marks that Latin, Greek and Cyrillic letters bear, and those of symbols.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
#: Ideographs and kana, which no spaces part.
_ALONE = re.compile(
    "[\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
_ZERO_WIDTH_SPACE = "\u200b"
_VARIATION_SELECTORS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_TOKEN = re.compile(rf"((?:_[0-9a-f]{{5}}|[0-9a-z]){{1,{MAX_TOKEN}}})\S*")


def tokens_in(text: str) -> Iterator[str]:
    """Yield the tokens of a text: its runs of letters and digits, each ideograph and kana by itself.

    Case, the marks that Latin letters bear and the several forms of one character make no difference.

    Parameters:
      text: any text, also one that cannot be stored.
    """
    alike = _alike(text[:MAX_CHARACTERS])
    table = _ASCII if alike.isascii() else {ord(character): _written(character) for character in set(alike)}
    return (found[1] for found in _TOKEN.finditer(alike.translate(table)))


def row_tokens(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the tokens of a row in their order, with a `GAP` wherever no phrase may go across.

    Parameters:
      texts: the row's searched texts, the most telling first: what is too much is left out at the end.
    """
    tokens: list[str] = []
    room = MAX_WRITTEN
    for token in islice(_in_order(texts), MAX_TOKENS):
        room -= len(token) + 1
        if room < 0:
            break
        tokens.append(token)
    while tokens and tokens[-1] == GAP:
        tokens.pop()
    return tuple(tokens)


def json_texts(value: Any) -> Iterator[str]:
    """Yield the texts of a JSON value that are searched: its keys, texts and numbers, in their order.

    The JSON itself holds other words: a new line is an `n` there, which grows into the word behind it.

    Parameters:
      value: what JSON decodes to.
    """
    open_parts: list[Iterator[Any]] = [iter((value,))]  # not by calls, of which a text from outside may need too many
    while open_parts:
        part = next(open_parts[-1], _END)
        if part is _END:
            open_parts.pop()
        elif isinstance(part, dict):
            open_parts.append(chain.from_iterable(part.items()))
        elif isinstance(part, list):
            open_parts.append(iter(part))
        elif isinstance(part, str):
            yield part
        elif part is not None and not isinstance(part, bool):
            yield str(part)


def length_of(token: str) -> int:
    """Return how many characters a token's word has."""
    return len(token) - 5 * token.count("_")


def _in_order(texts: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for number, text in enumerate(texts):
        if number:
            yield GAP
        for token in tokens_in(text):
            seen[token] += 1
            yield token if seen[token] <= MAX_REPEATS else GAP


def _alike(text: str) -> str:
    """Return a text in which what reads alike is written alike."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", _stream_safe(text))
    return unicodedata.normalize("NFKC", _MARKS.sub("", decomposed).casefold())


def _stream_safe(text: str) -> str:
    """Return a text without the marks that follow too many others, over which normalization would take for ever."""
    marks = (one for one in set(text) if unicodedata.combining(unicodedata.normalize("NFKD", one)[0]))
    if not (choice := re.escape("".join(marks))):
        return text
    return re.sub(f"([{choice}]{{{MAX_MARKS}}})[{choice}]+", r"\1", text)


def _written(character: str) -> str:
    """Return how a character is written among tokens: a space if it parts them, nothing if it shows nothing."""
    if character.isascii():
        return character if character.isalnum() else " "
    category = unicodedata.category(character)
    if character != _ZERO_WIDTH_SPACE and (category == "Cf" or _VARIATION_SELECTORS.match(character)):
        return ""
    if not character.isalnum() and category[0] != "M":
        return " "
    code = f"_{ord(character):05x}"
    return f" {code} " if _ALONE.match(character) else code


#: How ASCII characters are written.
_ASCII = {code: _written(chr(code)) for code in range(128)}
