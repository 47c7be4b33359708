import dataclasses
from typing import Annotated, Any
from uuid import UUID, uuid4

import pydantic
import pytest
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    RootModel,
    SecretBytes,
    SecretStr,
    TypeAdapter,
    computed_field,
    field_serializer,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from questline_persistence.errors import PayloadError
from questline_persistence.payload import decode, encode


class Written(BaseModel):
    n: int = Field(default=0, serialization_alias="number")


class Read(BaseModel):
    n: int = Field(default=0, validation_alias="number")


class Both(BaseModel):
    n: int = Field(default=0, alias="number")


class Choices(BaseModel):
    n: int = Field(default=0, validation_alias=AliasChoices(AliasPath("a", 0), "number", "n"))


class ByName(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=False)
    n: int = Field(default=0, alias="number")


class PathOrName(BaseModel):
    model_config = ConfigDict(validate_by_name=True)
    n: int = Field(default=0, validation_alias=AliasPath("a", 0))


class Path(BaseModel):
    n: int = Field(default=0, validation_alias=AliasPath("a", 0))


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))
    long_name: int = 0


@dataclass
class Point:
    x: Annotated[int, Field(serialization_alias="X")] = 0


@dataclasses.dataclass
class Plain:
    inner: Written


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return self.side**2


class Raw(BaseModel):
    payload: Json[dict[str, int]]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int = Field(default=0, serialization_alias="number")


class Told(BaseModel):
    token: SecretStr

    @field_serializer("token")
    def _tell(self, token: SecretStr) -> str:
        return token.get_secret_value()


class ToldWhole(BaseModel):
    token: pydantic.Secret[dict[str, str]]

    @field_serializer("token")
    def _tell(self, token: pydantic.Secret[dict[str, str]]) -> dict[str, str]:
        return token.get_secret_value()


class Own(BaseModel):
    n: int = 0

    @model_serializer
    def _write(self) -> dict[str, Any]:
        return {"only": self.n}

    @model_validator(mode="before")
    @classmethod
    def _read(cls, found: Any) -> Any:
        return {"n": found["only"]} if "only" in found else found


class Within(BaseModel):
    one: Written
    many: list[Written] = []
    named: dict[str, Written] = {}
    anything: Any = None


class Secret(BaseModel):
    token: SecretStr | SecretBytes


class Excluded(BaseModel):
    n: int = Field(default=0, exclude=True)
    made: list[int] = Field(default_factory=list, exclude=True)


class Unlike(BaseModel):
    key: UUID = Field(default_factory=uuid4, exclude=True)


class More(Written):
    more: int = 0


@pytest.mark.parametrize(
    "value",
    [
        Written(n=5),
        Read.model_validate({"number": 5}),
        Both.model_validate({"number": 5}),
        Choices.model_validate({"number": 5}),
        ByName.model_validate({"n": 5}),
        PathOrName.model_validate({"n": 5}),
        Generated(long_name=5),
        Point(5),
        Plain(Written(n=5)),
        Computed(side=3),
        Raw(payload='{"a": 1}'),  # type: ignore[arg-type]
        Open(n=5, other=Written(n=6)),  # type: ignore[call-arg]
        Told(token=SecretStr("s3cret")),
        ToldWhole(token=pydantic.Secret({"key": "s3cret"})),
        Secret(token=SecretStr("")),
        Own(n=5),
        Excluded(),
        RootModel[list[Written]]([Written(n=5)]),
        RootModel[dict[str, Written]]({"a": Written(n=5)}),
        Within(one=Written(n=1), many=[Written(n=2)], named={"a": Written(n=3)}),
        More(n=5, more=6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_comes_back_as_it_was(value: Any) -> None:
    found = decode(encode(value, what="it"))
    if isinstance(value, Open):
        assert found == {"n": 5, "other": {"n": 6}}
    else:
        assert TypeAdapter(type(value)).validate_python(found) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Secret(token=SecretStr("s3cret")), "output.token is a SecretStr, which Pydantic masks"),
        (Secret(token=SecretBytes(b"s3cret")), "output.token is a SecretBytes, which Pydantic masks"),
        ([{"a": Secret(token=SecretStr("x"))}], "output[0].a.token is a SecretStr"),
        (Within(one=Written(), anything=[Secret(token=SecretStr("x"))]), "output.anything[0].token is a SecretStr"),
        (Excluded(n=5), "output.n is a field that Pydantic does not write"),
        (Excluded(made=[1]), "output.made is a field that Pydantic does not write"),
        (Unlike(), "output.key is a field that Pydantic does not write"),
        (Path.model_validate({"a": [5]}), "output.n is a field that Pydantic reads from another one"),
        (Within(one=More(more=1)), "output.one.more is a field that Pydantic does not write"),
        (RootModel[list[Excluded]]([Excluded(n=5)]), "output[0].n is a field that Pydantic does not write"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_would_not_come_back_is_refused_by_its_place(value: Any, said: str) -> None:
    with pytest.raises(PayloadError, match="the output of a:work is not JSON: ") as raised:
        encode(value, what="the output of a:work", root="output")
    assert said in raised.value.message
    assert raised.value.hint
    assert "s3cret" not in raised.value.message
