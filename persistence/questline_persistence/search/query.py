"""What people type to search, as terms made of tokens: nothing of what they type reaches a database by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from questline_persistence.search.tokens import length_of, tokens_in

#: Most terms of a query; what is typed beyond is not looked for.
MAX_TERMS = 32
#: Most words of a phrase; its others are not looked for.
MAX_PHRASE = 64
#: Most characters that are looked at.
MAX_TYPED = 10_000
#: Shortest beginning of a word that is looked for as one, in characters; a shorter one is looked for as a whole word.
MIN_PREFIX = 2

#: Quotation marks that keyboards put in the place of `"`.
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»\uff02", '"'))
#: `-` leaves out what it stands before, at the start and after a space. `"` inside a word is an inch, and no phrase.
_TYPED = re.compile(
    r"""
    (?P<minus>(?<!\S)-(?=[^\s-]))?
    (?: "(?P<phrase>[^"]*)"? | (?P<word>(?:[^\s"]|(?<=\w)")+) )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word or several, which must follow each other without a gap.

    Parameters:
      words: their tokens, at least one.
      prefix: whether the last one need only begin so.
    """

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: texts that have all of some terms, and none of others.

    Parameters:
      all_of: the terms that a text must have; without one, nothing is found.
      none_of: the terms that it must not have.
    """

    all_of: tuple[Term, ...] = ()
    none_of: tuple[Term, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it finds nothing, wherever it is asked."""
        return not self.all_of


def read_query(typed: str) -> Query:
    """Return what somebody looks for who types `word`, `"a phrase"`, `pre*`, `-word` or `-"a phrase"`; never an error.

    Everything else is text, such as AND, OR, NEAR, brackets and colons. A quote that stays open ends at the end, and a
    word that has several tokens, such as `e-mail`, is a phrase.

    Parameters:
      typed: any text.
    """
    terms: tuple[dict[Term, None], dict[Term, None]] = ({}, {})  # in the order in which they are typed, each once
    for term, excluded in _terms(typed[:MAX_TYPED].translate(_QUOTES)):
        if term not in terms[excluded] and sum(map(len, terms)) == MAX_TERMS:
            break
        terms[excluded][term] = None
    return Query(all_of=tuple(terms[False]), none_of=tuple(terms[True]))


def _terms(typed: str) -> Iterator[tuple[Term, bool]]:
    """Yield each term, and whether what has it is to be left out."""
    for found in _TYPED.finditer(typed):
        text = found["phrase"] or found["word"] or ""
        words = tuple(islice(tokens_in(text), MAX_PHRASE + 1))
        if words:
            is_whole = len(words) <= MAX_PHRASE
            prefix = is_whole and found["word"] is not None and _is_prefix(text, words[-1])
            yield Term(words[:MAX_PHRASE], prefix), found["minus"] is not None


def _is_prefix(text: str, last: str) -> bool:
    """Return whether a star stands behind the last word, and that is long enough."""
    head, star, tail = text.rpartition("*")
    before = head.rstrip("*")[-1:]
    return bool(
        star
        and before
        and unicodedata.category(before)[0] in "LMN"
        and next(tokens_in(tail), None) is None
        and length_of(last) >= MIN_PREFIX
    )
