"""Every setting of questline, in one place: its name, default, meaning, and where its value comes from.

A flag beats the environment, which beats `.env`, then `questline.toml`, then `[tool.questline]` of
`pyproject.toml`, then the default.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from questline_persistence.errors import ConfigurationError

#: Names that other tools use for the same thing, taken when ours is not set.
FALLBACKS = {"database_url": "DATABASE_URL", "broker_url": "REDIS_URL"}
_PREFIX = "QUESTLINE_"

Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    database_url: str = Field(
        "sqlite:///.questline/questline.db",
        description="SQL store: `sqlite:///path` or `postgresql://…`; falls back to DATABASE_URL",
    )
    broker_url: str = Field("memory://", description="doorbells: `memory://` or `redis://…`; falls back to REDIS_URL")
    lords: Words = Field((), description="modules to import Lords from, separated by commas")
    namespace: str = Field(
        "default", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,62}$", description="tenant that all quests belong to"
    )
    worker_processes: int = Field(1, ge=1, le=512, description="worker processes that `questline worker` keeps running")
    worker_threads: int = Field(8, ge=1, le=1024, description="steps that one worker process runs at a time")
    queues: Words = Field(
        ("default",), min_length=1, description="queues that a worker listens to, separated by commas"
    )
    heartbeat_seconds: float = Field(2.0, gt=0, le=3600, description="time between two heartbeats of a worker")
    lease_seconds: float = Field(10.0, gt=0, le=86400, description="silence after which a worker counts as lost")
    sweep_seconds: float = Field(1.0, gt=0, le=3600, description="time between two looks for lost work")
    shutdown_seconds: float = Field(
        30.0, ge=0, le=86400, description="time that running steps get to end when a worker is asked to stop"
    )
    auto_migrate: bool = Field(default=False, description="migrate a PostgreSQL schema at start; SQLite always is")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="`console` or `json`; `auto` is console on a terminal and JSON elsewhere"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe log line written")

    @field_validator("lords", "queues", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Accept words separated by commas."""
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _lease_outlives_heartbeat(self) -> Self:
        if self.lease_seconds < 2 * self.heartbeat_seconds:
            raise ValueError("lease_seconds must be at least twice heartbeat_seconds, or living workers count as lost")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the signature is pydantic-settings')
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in our order of precedence."""
        return (
            init_settings,
            env_settings,
            _SecretFiles(settings_cls),
            dotenv_settings,
            _Toml(settings_cls),
            _Fallbacks(settings_cls),
        )


class _Source(PydanticBaseSettingsSource):
    """A source that knows all of its values at once."""

    def get_field_value(
        self,
        field: Any,  # noqa: ARG002  (the signature is pydantic-settings')
        field_name: str,
    ) -> tuple[Any, str, bool]:
        return self.values().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self.values()

    def values(self) -> dict[str, Any]:
        """Return the settings that this source holds."""
        raise NotImplementedError


class _SecretFiles(_Source):
    """`QUESTLINE_X_FILE` names a file that holds the value of `QUESTLINE_X`, as container secrets do."""

    def values(self) -> dict[str, Any]:
        found = {}
        for name in self.settings_cls.model_fields:
            variable = f"{_PREFIX}{name.upper()}_FILE"
            if path := os.environ.get(variable):
                try:
                    found[name] = Path(path).read_text().strip()
                except OSError as error:
                    raise ConfigurationError(f"{variable}: cannot read {path}: {error.strerror}") from error
        return found


class _Toml(_Source):
    """`questline.toml`, or else `[tool.questline]` of `pyproject.toml`, in the working directory."""

    def values(self) -> dict[str, Any]:
        own, project = Path("questline.toml"), Path("pyproject.toml")
        if own.is_file():
            return self._checked(_read(own), own.name)
        if project.is_file():
            return self._checked(
                _read(project).get("tool", {}).get("questline", {}), f"[tool.questline] of {project.name}"
            )
        return {}

    def _checked(self, values: dict[str, Any], where: str) -> dict[str, Any]:
        known = list(self.settings_cls.model_fields)
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
                raise ConfigurationError(f"{where}: unknown key {key!r}", hint=hint)
        return values


class _Fallbacks(_Source):
    """The names that other tools use."""

    def values(self) -> dict[str, Any]:
        return {name: os.environ[variable] for name, variable in FALLBACKS.items() if os.environ.get(variable)}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path.name}: {error}") from error


def load(**flags: Any) -> Settings:
    """Return the settings of this process; `flags` that are not None beat every other source.

    Raises:
      ConfigurationError: a value is wrong, or a file holds an unknown key.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        raise ConfigurationError(f"{_PREFIX}{name.upper()}: {first['msg']}", hint=_meaning(name)) from None


def origins(**flags: Any) -> dict[str, str]:
    """Return, for every setting, the place that its value comes from, in words.

    Raises:
      ConfigurationError: a file holds an unknown key, or cannot be read.
    """
    file = "questline.toml" if Path("questline.toml").is_file() else "pyproject.toml"
    given = {name: value for name, value in flags.items() if value is not None}
    places: list[tuple[Callable[[str], str], dict[str, Any]]] = [
        (lambda name: f"--{name.replace('_', '-')}", given),
        (lambda name: _PREFIX + name.upper(), EnvSettingsSource(Settings)()),
        (lambda name: f"{_PREFIX}{name.upper()}_FILE", _SecretFiles(Settings)()),
        (lambda _: ".env", DotEnvSettingsSource(Settings)()),
        (lambda _: file, _Toml(Settings)()),
        (lambda name: FALLBACKS.get(name, ""), _Fallbacks(Settings)()),
    ]
    return {
        name: next((place(name) for place, values in places if name in values), "default")
        for name in Settings.model_fields
    }


def _meaning(name: str) -> str | None:
    field = Settings.model_fields.get(name)
    return None if field is None else f"{name}: {field.description}"


def documented() -> list[tuple[str, str, str]]:
    """Return (environment variable, default, meaning) of every setting, for the documentation."""
    return [
        (f"{_PREFIX}{name.upper()}", shown(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def shown(value: Any) -> str:
    """Return a setting's value as it is written in the environment."""
    return ",".join(value) if isinstance(value, tuple) else str(value)
