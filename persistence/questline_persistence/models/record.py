"""What all models have in common: they answer to keys too, and say in our words what is wrong with a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from questline_persistence.errors import InvalidRecord, suggestion
from questline_persistence.models.wrong_field import MAX_PLACE, wrong_field

if TYPE_CHECKING:  # so that a type checker sees what is made, and its fields
    from pydantic._internal._model_construction import ModelMetaclass as _RecordType
else:

    class _RecordType(type(BaseModel)):
        """Makes records, and says in our own words what Pydantic refuses; what Pydantic makes comes not this way."""

        def __call__(cls, *arguments: Any, **fields: Any) -> Any:
            try:
                return super().__call__(**cls._by_place(*arguments), **fields)
            except ValidationError as error:
                raise _refused(cls, error) from None


def _refused(model: type[BaseModel], error: ValidationError) -> InvalidRecord:
    """Return the first thing that is wrong with a record's fields, and what was meant if a name is misspelt."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part)[:MAX_PLACE] for part in first["loc"])
    ours = first.get("ctx", {}).get("error")
    if isinstance(ours, InvalidRecord):
        return InvalidRecord(f"{model.__name__}: {place}: {ours.message}" if place else ours.message, hint=ours.hint)
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        near = suggestion(place, model.model_fields, kind="fields")
        return InvalidRecord(f"{model.__name__} has no field {place!r}", hint=near)
    message, hint = wrong_field(first)
    return InvalidRecord(f"{model.__name__}: {message}", hint=hint)


class KeyedModel(BaseModel, metaclass=_RecordType):
    """A model that also answers to `record["field"]`, as rows do."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def _by_place(cls, *values: Any) -> dict[str, Any]:
        """Return the fields that were given without their names, where a record allows that."""
        if values:
            first = next(iter(cls.model_fields))
            raise InvalidRecord(f"{cls.__name__} takes its fields by name", hint=f"such as {cls.__name__}({first}=…)")
        return {}

    def __getitem__(self, key: str) -> Any:
        """Return the field called `key`, or raise KeyError."""
        if key not in type(self).model_fields:
            raise KeyError(key)
        return getattr(self, key)


class Record(KeyedModel):
    """A keyed model that people are shown as JSON data."""

    def to_json(self) -> dict[str, Any]:
        """Return the object as plain JSON data, in the documented order of keys."""
        return self.model_dump(mode="json")
