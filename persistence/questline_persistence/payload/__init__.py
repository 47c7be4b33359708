"""JSON in and out of the store: how values are written and read back, and how large they may be.

It imports errors alone, and everything else may import it.
"""

from questline_persistence.payload import cells
from questline_persistence.payload.codec import (
    CLEAR,
    HIDDEN,
    HIDDEN_JSON,
    HIDDEN_LIST,
    HIDDEN_OBJECT,
    MARK,
    Cell,
    Codec,
    is_sealed,
    key_of,
    sealing_codec,
)
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
from questline_persistence.payload.payload_keys import parse_keys
from questline_persistence.payload.yaml_text import read_yaml

__all__ = [
    "CLEAR",
    "DEFAULTS",
    "HALVES_HINT",
    "HIDDEN",
    "HIDDEN_JSON",
    "HIDDEN_LIST",
    "HIDDEN_OBJECT",
    "KEY_HINT",
    "MARK",
    "MAX_STATE_DEPTH",
    "TEXT_ROOM",
    "Cell",
    "Codec",
    "Limit",
    "Limits",
    "PathPart",
    "cells",
    "decode",
    "encode",
    "has_halves",
    "is_big",
    "is_sealed",
    "key_of",
    "mark_big",
    "parse_keys",
    "parse_path",
    "path_of",
    "read_yaml",
    "refuse_halves",
    "sealing_codec",
    "shortened",
    "size_of",
    "too_large",
    "whole_state",
]
