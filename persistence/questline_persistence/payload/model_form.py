"""The JSON form of models and dataclasses: as Pydantic writes them, under the names by which it reads them back.

Pydantic masks secrets and leaves out excluded fields, and would read back the mask, or the default, without a word.
Such a field is refused, and told by its place. So is a Decimal that is no number, which it writes but does not read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from pydantic import AliasChoices, BaseModel, RootModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from questline_persistence.payload.no_json_form import NoJsonForm, cut, not_finite

_SECRETS = (SecretStr, SecretBytes, Secret)
#: What Pydantic writes for a secret; a type of one's own may write something else.
_MASK = str(SecretStr("any"))
_SEQUENCES = (list, tuple, set, frozenset, deque)
_MASKED_HINT = "keep where the secret is, not the secret itself; or declare the field as str"
_FIELD_HINT = "use a model whose fields are all written, each under a name that it is read by"


def model_form(value: Any, path: str) -> Any:
    """Return a value as JSON from which Pydantic makes an equal one, by the type of `value`.

    Parameters:
      value: a model or dataclass, or what stands in a field of one.
      path: where it stands.

    Raises:
      NoJsonForm: a field of it would not come back.
    """
    return _readable(value, to_jsonable_python(value, round_trip=True), path)


def _readable(value: Any, written: Any, path: str) -> Any:
    """Return what Pydantic has written for a value, under the names by which it is read."""
    if isinstance(value, RootModel):
        return _readable(value.root, written, path)
    if isinstance(value, _SECRETS) and value.get_secret_value() and written in (_MASK, str(value)):
        raise NoJsonForm(f"{cut(path)} is a {type(value).__qualname__}, which Pydantic masks", _MASKED_HINT)
    _refuse_not_finite(value, written, path)
    if isinstance(written, dict):
        return _readable_object(value, written, path)
    if isinstance(written, list) and isinstance(value, _SEQUENCES) and len(written) == len(value):
        pairs = enumerate(zip(value, written, strict=True))
        return [_readable(part, item, f"{path}[{index}]") for index, (part, item) in pairs]
    return written


def _refuse_not_finite(value: Any, written: Any, path: str) -> None:
    """Raise NoJsonForm if a value is a Decimal that is no number, written as it stands."""
    if isinstance(value, Decimal) and not value.is_finite() and written == str(value):
        raise not_finite(value, path)


def _readable_object(value: Any, written: dict[str, Any], path: str) -> dict[str, Any]:
    infos: Mapping[str, FieldInfo] = getattr(type(value), "__pydantic_fields__", {})
    names = {info.serialization_alias or name: name for name, info in infos.items()}
    parts = _parts(value, written)
    if isinstance(value, Mapping):
        for part, key in zip(value, written, strict=False):  # a field's own serializer may write fewer
            _refuse_not_finite(part, key, f"{path}.{key}")
    if not _writes_itself(value):
        for name in infos.keys() - {names.get(key) for key in written}:
            _refuse_lost(value, name, path)
    form = {}
    for key, item in written.items():
        name = names.get(key, key)
        read = _read_name(value, name, path) if name in infos else key
        form[read] = _readable(parts.get(name), item, f"{path}.{name}")
    return form


def _parts(value: Any, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a value is made of, by the names of its fields or by the keys that they were written under."""
    if isinstance(value, BaseModel):
        return dict(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in fields(value)}
    if isinstance(value, Mapping) and len(value) == len(written):
        return dict(zip(written, value.values(), strict=True))
    return {}


def _writes_itself(value: Any) -> bool:
    """Return whether a model has a serializer of its own, which may leave out what its validator does without."""
    decorators = getattr(type(value), "__pydantic_decorators__", None)
    return decorators is not None and bool(decorators.model_serializers)


def _refuse_lost(value: Any, name: str, path: str) -> None:
    """Raise NoJsonForm if a field that is not written holds something else than would be read for it."""
    info = type(value).__pydantic_fields__[name]
    default = info.get_default(call_default_factory=True, validated_data=_parts(value, {}))
    if info.is_required() or getattr(value, name) != default:
        raise NoJsonForm(f"{cut(f'{path}.{name}')} is a field that Pydantic does not write", _FIELD_HINT)


def _read_name(value: Any, name: str, path: str) -> str:
    """Return the key by which validation takes a field.

    Raises:
      NoJsonForm: there is none, as it takes the field out of another one.
    """
    alias = type(value).__pydantic_fields__[name].validation_alias
    config = getattr(value, "model_config", None) or getattr(value, "__pydantic_config__", {})
    if alias is None or not config.get("validate_by_alias", True):
        return name
    for choice in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        if isinstance(choice, str):
            return choice
    if config.get("validate_by_name") or config.get("populate_by_name"):
        return name
    raise NoJsonForm(
        f"{cut(f'{path}.{name}')} is a field that Pydantic reads from another one, by {alias}", _FIELD_HINT
    )
