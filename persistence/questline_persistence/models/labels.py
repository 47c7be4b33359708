"""Labels: the words that a quest can be found by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from questline_persistence.errors import PayloadError
from questline_persistence.payload import refuse_halves

#: Most labels on one quest.
MAX_LABELS = 32
#: Longest key of a label, in characters.
MAX_LABEL_KEY = 63
#: Longest value of a label, in characters.
MAX_LABEL_VALUE = 255

LABEL_KEY = rf"[A-Za-z0-9_.\-/]{{1,{MAX_LABEL_KEY}}}"
LabelKey = Annotated[str, Field(pattern=f"^{LABEL_KEY}$")]
LabelValue = Annotated[str, Field(max_length=MAX_LABEL_VALUE)]


def refuse_labels(labels: Mapping[Any, Any]) -> None:
    """Raise PayloadError unless these are labels; asked at the door, since they can change after a quest was made."""
    if len(labels) > MAX_LABELS:
        raise PayloadError(f"labels: {len(labels):,} are too many; the limit is {MAX_LABELS}", hint=_LABELS_HINT)
    for key, value in labels.items():
        if not isinstance(key, str) or not re.fullmatch(LABEL_KEY, key):
            raise PayloadError(f"labels: {key!r:.100} is not a label's key", hint=_LABEL_KEY_HINT)
        if not isinstance(value, str):
            raise PayloadError(f"labels.{key} is {type(value).__name__}, not text", hint="write it in quotes")
        refuse_halves(value, what=f"labels.{key}")
        if len(value) > MAX_LABEL_VALUE:
            message = f"labels.{key} is {len(value):,} characters long; the limit is {MAX_LABEL_VALUE}"
            raise PayloadError(message, hint=_LABELS_HINT)


_LABELS_HINT = "labels are for finding quests; put everything else into input_data"
_LABEL_KEY_HINT = f"a key is letters, digits and . _ - / (at most {MAX_LABEL_KEY} characters)"
