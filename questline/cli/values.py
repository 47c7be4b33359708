"""Values that are typed or read from files: JSON, YAML, and `key=value`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from questline.cli.failures import UsageMistake
from questline_persistence.errors import PayloadError

if TYPE_CHECKING:
    from questline_persistence.payload import Limits

#: The word that stands for standard input.
STDIN = "-"
_YAML_SUFFIXES = {".yaml", ".yml"}


def read_quest_file(name: str, limits: Limits) -> dict[str, Any]:
    """Return the object in a JSON or YAML file; `-` is standard input.

    Parameters:
      limits: say what the largest quest is.

    Raises:
      UsageMistake: the file cannot be read, or is too large.
      PayloadError: it holds no object.
    """
    text = read_text(name, limits)
    yaml = Path(name).suffix.lower() in _YAML_SUFFIXES or (name == STDIN and not text.lstrip().startswith(("{", "[")))
    value = parse_yaml(text, name) if yaml else parse_json(text, name)
    if not isinstance(value, dict):
        raise PayloadError(f"{_shown(name)} holds no object but {_kind(value)}", hint="a quest file is one object")
    return value


def read_input(text: str, limits: Limits) -> dict[str, Any]:
    """Return the input data that `--input` means: JSON itself, `@file`, or `-` for standard input.

    Parameters:
      limits: say what the largest quest is.

    Raises:
      UsageMistake: the file cannot be read, or is too large.
      PayloadError: it is no JSON object.
    """
    name = STDIN if text == STDIN else text.removeprefix("@")
    value = (
        parse_json(read_text(name, limits), name)
        if text == STDIN or text.startswith("@")
        else parse_json(text, "--input")
    )
    if not isinstance(value, dict):
        raise PayloadError(f"--input is no object but {_kind(value)}", hint="""write --input '{"key": "value"}'""")
    return value


def read_text(name: str, limits: Limits) -> str:
    """Return the text of a file; `-` is standard input.

    Parameters:
      limits: say what the largest quest is; nothing beyond what can hold one is read.

    Raises:
      UsageMistake: it cannot be read, is no text, or is too large.
    """
    most = limits.quest_file
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(most + 1)
        if len(data) > most:
            message = f"{_shown(name)} is larger than {most:,} bytes, the size of the largest quest"
            raise UsageMistake(message, hint=limits.stack.advice)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageMistake(f"cannot read {_shown(name)}: {error.strerror}", hint="name a file that exists") from None
    except UnicodeDecodeError:
        raise UsageMistake(f"{_shown(name)} is no UTF-8 text", hint="save it as UTF-8") from None


def parse_json(text: str, name: str) -> Any:
    """Return the value of JSON text.

    Raises:
      PayloadError: it is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise PayloadError(f"{_shown(name)} is not JSON: {error.msg} ({place})", hint="check it there") from None
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"{_shown(name)} is not JSON that can be used: {error}") from None


def parse_yaml(text: str, name: str) -> Any:
    """Return the value of YAML text; what looks like a time stays text, as in JSON.

    Raises:
      PayloadError: it is not YAML.
    """
    from questline_persistence.payload import read_yaml  # noqa: PLC0415  (only YAML files need it)

    try:
        return read_yaml(text)
    except ValueError as error:
        raise PayloadError(f"{_shown(name)} is not YAML: {error}", hint="check it there") from None


def read_pairs(pairs: Iterable[str], option: str, form: str = "KEY=VALUE") -> dict[str, str]:
    """Return what `key=value` words say; `form` shows people how they are written.

    Raises:
      UsageMistake: one of them has no `=`, or no key.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageMistake(f"{option} {pair!r} is not {form}", hint=f"write {option} {form}")
        found[key] = value
    return found


def read_values(pairs: Iterable[str], option: str, form: str = "KEY=VALUE") -> dict[str, Any]:
    """Return what `key=value` words say, each value read as JSON if it is JSON, else as text.

    Raises:
      UsageMistake: one of them has no `=`, or no key.
    """
    return {key: _json_or_text(value) for key, value in read_pairs(pairs, option, form).items()}


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "text", bool: "a truth value", type(None): "nothing"}
    return kinds.get(type(value), "a number")
