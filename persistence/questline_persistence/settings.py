"""Every setting of questline, in one place: its name, default, meaning, and where its value comes from.

A flag beats the environment, which beats `.env`, then `questline.toml`, then `[tool.questline]` of
`pyproject.toml`, then the default.
"""

from __future__ import annotations

import os
import re
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
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

from questline_persistence.errors import ConfigurationError, suggestion
from questline_persistence.ids import NAME_HINT, is_name
from questline_persistence.payload import DEFAULTS, Limit, Limits
from questline_persistence.secret_files import read_secret
from questline_persistence.suspicion import MAX_LOST, MAX_LOST_IN_ALL

#: Names that other tools use for the same thing, taken when ours is not set.
FALLBACKS = {"database_url": "DATABASE_URL", "broker_url": "REDIS_URL"}
#: The files in the working directory that may hold settings, as messages name them.
DOTENV, OWN_FILE, PROJECT_TABLE = ".env", "questline.toml", "[tool.questline] of pyproject.toml"
_PREFIX = "QUESTLINE_"
#: The least and the most that a limit of a payload's size can be set to, in bytes.
MIN_LIMIT, MAX_LIMIT = 1_000, 50_000_000
#: The most that the limit of a state can be set to, in bytes; PostgreSQL stores no value beyond 1 GB.
MAX_STATE_LIMIT = 900_000_000

#: Variables with our prefix that are no settings: our tests', and what Kubernetes sets for a service called questline.
_NOT_OURS = re.compile(r"(TEST|SOAK)_\w+|(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")
#: The unknown variables that this process has been warned of.
_WARNED: set[str] = set()

Words = Annotated[tuple[str, ...], NoDecode]


class SettingsWarning(UserWarning):
    """A variable of the environment looks like a setting, and is none."""


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=DOTENV,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    database_url: str = Field(
        "sqlite:///.questline/questline.db",
        description="database: `sqlite:///path` or `postgresql://…`; if unset, DATABASE_URL (environment or `.env`)",
    )
    database_pooler: Literal["auto", "transaction"] = Field(
        "auto",
        description="`transaction` if a pooler such as PgBouncer shares PostgreSQL's sessions among transactions; "
        "with `auto` each process notices it by itself",
    )
    broker_url: str = Field(
        "memory://",
        description="wake-ups for workers: `memory://` or `redis://…`; if unset, REDIS_URL (environment or `.env`)",
    )
    lords: Words = Field((), description="modules to import Lords from, separated by commas")
    namespace: str = Field(
        "default", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,62}$", description="tenant that all quests belong to"
    )
    worker_processes: int = Field(1, ge=1, le=512, description="worker processes that `questline worker` keeps running")
    worker_threads: int = Field(8, ge=1, le=1024, description="sync steps that one worker process runs at a time")
    max_async: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="async steps that one worker process runs at a time; they keep no thread",
    )
    queues: Words = Field(("default",), description="queues that a worker listens to, separated by commas")
    heartbeat_seconds: float = Field(2.0, gt=0, le=3600, description="time between two heartbeats of a worker")
    lease_seconds: float = Field(10.0, gt=0, le=86400, description="silence after which a worker counts as lost")
    max_lost_workers: int = Field(
        MAX_LOST,
        ge=1,
        le=MAX_LOST_IN_ALL,
        description="how many workers a step may kill while it runs alone, before its quest fails",
    )
    sweep_seconds: float = Field(1.0, gt=0, le=3600, description="time between two sweeps, which look for lost work")
    shutdown_seconds: float = Field(
        30.0,
        ge=0,
        le=86400,
        description="time that running steps get to end when a worker is asked to stop; `questline dev` gives them 3 s",
    )
    code_version: str = Field(
        "", max_length=200, description="which code a worker runs, such as a git commit; kept with each attempt"
    )
    auto_migrate: bool = Field(
        default=False, description="whether to migrate a PostgreSQL schema at start; questline always migrates SQLite"
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="`console` or `json`; `auto` is console on a terminal and JSON elsewhere"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log line that questline writes"
    )
    max_input_bytes: int = Field(
        DEFAULTS.input.size, ge=MIN_LIMIT, le=MAX_LIMIT, description="largest input of a quest, in bytes of JSON"
    )
    max_params_bytes: int = Field(
        DEFAULTS.params.size, ge=MIN_LIMIT, le=MAX_LIMIT, description="largest params of one step, in bytes of JSON"
    )
    max_stack_bytes: int = Field(
        DEFAULTS.stack.size,
        ge=MIN_LIMIT,
        le=MAX_LIMIT,
        description="largest execution stack, the params of all its steps included, in bytes of JSON",
    )
    max_output_bytes: int = Field(
        DEFAULTS.output.size, ge=MIN_LIMIT, le=MAX_LIMIT, description="largest output of one step, in bytes of JSON"
    )
    max_state_bytes: int = Field(
        DEFAULTS.state.size,
        ge=MIN_LIMIT,
        le=MAX_STATE_LIMIT,
        description="largest state of a quest, which is all its outputs together, in bytes of JSON",
    )

    @property
    def limits(self) -> Limits:
        """The sizes that this process keeps to."""
        usual: dict[str, Limit] = {kind.name: getattr(DEFAULTS, kind.name) for kind in fields(Limits)}
        return Limits(**{name: replace(limit, size=getattr(self, str(limit.setting))) for name, limit in usual.items()})

    @field_validator("lords", "queues", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Accept words separated by commas."""
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("queues")
    @classmethod
    def _name_queues(cls, queues: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what no step's queue can be called: nothing would ever come to it."""
        if not queues:
            raise ValueError("no queue is named, so a worker would never run a step")
        for queue in queues:
            if not is_name(queue):
                raise ValueError(f"{queue!r} cannot be a queue's name; separate several by commas, and {NAME_HINT}")
        return queues

    @field_validator("log_level", "log_format", "database_pooler", mode="before")
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
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (ours takes its place)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the signature is pydantic-settings')
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in our order of precedence."""
        return (
            init_settings,
            env_settings,
            _SecretFiles(settings_cls),
            _DotEnv(settings_cls),
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
            variable = f"{_variable(name)}_FILE"
            if path := os.environ.get(variable):
                try:
                    found[name] = read_secret(path)
                except OSError as error:
                    raise ConfigurationError(f"{variable}: cannot read {path}: {error.strerror}") from error
                except UnicodeDecodeError:  # which repeats what it holds
                    raise ConfigurationError(f"{variable}: {path} is not UTF-8 text") from None
        return found


class _DotEnv(DotEnvSettingsSource):
    """`.env` in the working directory, whose other variables are other programs'."""

    def __call__(self) -> dict[str, Any]:
        known = [_variable(name) for name in self.settings_cls.model_fields]
        for key in self.env_vars:  # in lower case, as the names of settings
            variable = key.upper()
            if variable.startswith(_PREFIX) and variable not in known and not _is_not_ours(variable):
                hint = suggestion(variable, known, kind="variables")
                raise ConfigurationError(f".env: unknown key {variable!r}", hint=hint)
        return super().__call__()


class _Toml(_Source):
    """`questline.toml`, or else `[tool.questline]` of `pyproject.toml`, in the working directory."""

    def values(self) -> dict[str, Any]:
        own, project = Path(OWN_FILE), Path("pyproject.toml")
        if own.is_file():
            return self._checked(_read(own), own.name)
        if project.is_file():
            tool = _read(project).get("tool", {})
            return self._checked(tool.get("questline", {}) if isinstance(tool, dict) else {}, PROJECT_TABLE)
        return {}

    def _checked(self, values: Any, where: str) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise ConfigurationError(f"{where} is no table", hint="write [tool.questline], and a setting on each line")
        known = self.settings_cls.model_fields
        for key in values:
            if key not in known:
                raise ConfigurationError(f"{where}: unknown key {key!r}", hint=suggestion(key, known, kind="keys"))
        return values


class _Fallbacks(_Source):
    """The names that other tools use, in the environment and in `.env`."""

    def values(self) -> dict[str, Any]:
        return {name: value for name, (value, _) in self.found().items()}

    def found(self) -> dict[str, tuple[str, str]]:
        """Return each value with the place where it stands, in words."""
        # Pydantic's own reading of the file, whose keys it writes in lower case.
        file = DotEnvSettingsSource(self.settings_cls).env_vars
        found: dict[str, tuple[str, str]] = {}
        for name, variable in FALLBACKS.items():
            if value := os.environ.get(variable):
                found[name] = value, variable
            elif value := file.get(variable.lower()):
                found[name] = value, f"{DOTENV}: {variable}"
        return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path.name}: {error}") from error


def load(**flags: Any) -> Settings:
    """Return the settings of this process; `flags` that are not None beat every other source.

    A variable that has our prefix and is no setting is warned of, once per process.

    Raises:
      ConfigurationError: a value is wrong, or a file holds an unknown key.
    """
    _warn_of_strays()
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise ConfigurationError(reason) from None
        name = str(first["loc"][0])
        raise ConfigurationError(f"{_place(name, flags)}: {reason}", hint=_meaning(name)) from None


def _place(name: str, flags: dict[str, Any]) -> str:
    """Return where the value of a setting stands: the variable, or the key with the file that holds it."""
    origin = origins(**flags)[name]
    if origin.startswith("--"):  # given by whoever calls: as an option, or in Python
        return name
    if origin == DOTENV:
        return f"{origin}: {_variable(name)}"
    return f"{origin}: {name}" if origin in {OWN_FILE, PROJECT_TABLE} else _variable(name)


def _warn_of_strays() -> None:
    """Warn of what is probably a misspelt setting; the environment is shared, so that it is no error."""
    known = [_variable(name) for name in Settings.model_fields]
    for variable in sorted(os.environ):
        named = variable.removesuffix("_FILE") in known or not variable.startswith(_PREFIX)
        if not named and not _is_not_ours(variable) and variable not in _WARNED:
            _WARNED.add(variable)
            hint = suggestion(variable, known, kind="variables")
            warnings.warn(f"{variable} in the environment is no setting; {hint}", SettingsWarning, stacklevel=3)


def _is_not_ours(variable: str) -> bool:
    return _NOT_OURS.fullmatch(variable.removeprefix(_PREFIX)) is not None


def _variable(name: str) -> str:
    """Return the variable that holds a setting."""
    return f"{_PREFIX}{name.upper()}"


def origins(**flags: Any) -> dict[str, str]:
    """Return, for every setting, the place that its value comes from, in words.

    Raises:
      ConfigurationError: a file holds an unknown key, or cannot be read.
    """
    file = OWN_FILE if Path(OWN_FILE).is_file() else PROJECT_TABLE
    given = {name: value for name, value in flags.items() if value is not None}
    fallbacks = _Fallbacks(Settings).found()
    places: list[tuple[Callable[[str], str], dict[str, Any]]] = [
        (lambda name: f"--{name.replace('_', '-')}", given),
        (_variable, EnvSettingsSource(Settings)()),
        (lambda name: f"{_variable(name)}_FILE", _SecretFiles(Settings)()),
        (lambda _: DOTENV, _DotEnv(Settings)()),
        (lambda _: file, _Toml(Settings)()),
        (lambda name: fallbacks[name][1], fallbacks),
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
        (_variable(name), shown(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def shown(value: Any) -> str:
    """Return a setting's value as it is written in the environment."""
    return ",".join(value) if isinstance(value, tuple) else str(value)
