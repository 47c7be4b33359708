"""JSON in and out of the store: how values are written and read back, and how large they may be.

It imports errors alone, and everything else may import it.
"""

from questline_persistence.payload.encoding import (
    HALVES_HINT,
    MAX_STATE_DEPTH,
    TEXT_ROOM,
    decode,
    encode,
    has_halves,
    is_big,
    mark_big,
    refuse_halves,
    shortened,
    size_of,
    too_large,
    whole_state,
)
from questline_persistence.payload.limits import DEFAULTS, Limit, Limits
from questline_persistence.payload.no_json_form import KEY_HINT
from questline_persistence.payload.paths import PathPart, parse_path, path_of
from questline_persistence.payload.yaml_text import read_yaml

__all__ = [
    "DEFAULTS",
    "HALVES_HINT",
    "KEY_HINT",
    "MAX_STATE_DEPTH",
    "TEXT_ROOM",
    "Limit",
    "Limits",
    "PathPart",
    "decode",
    "encode",
    "has_halves",
    "is_big",
    "mark_big",
    "parse_path",
    "path_of",
    "read_yaml",
    "refuse_halves",
    "shortened",
    "size_of",
    "too_large",
    "whole_state",
]
