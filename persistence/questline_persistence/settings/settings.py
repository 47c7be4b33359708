"""Every setting of questline, in one place: its name, default, meaning, and where its value comes from.

A flag beats the environment, which beats `.env`, then a profile, then `questline.toml`, then `[tool.questline]` of
`pyproject.toml`, then the default.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from questline_persistence.errors import PayloadError
from questline_persistence.ids import NAME_HINT, is_name
from questline_persistence.payload import DEFAULTS, Limit, Limits, parse_keys
from questline_persistence.settings.retention import RetentionRule, read_rules
from questline_persistence.settings.sources import DOTENV, PREFIX, Sources
from questline_persistence.suspicion import MAX_LOST, MAX_LOST_IN_ALL

#: The least and the most that a limit of a payload's size can be set to, in bytes.
MIN_LIMIT, MAX_LIMIT = 1_000, 50_000_000
#: The most that the limit of a state can be set to, in bytes; PostgreSQL stores no value beyond 1 GB.
MAX_STATE_LIMIT = 900_000_000
#: An address of the web in which a quest's id and its trace's may have places, behind the host; or nothing.
LINK = r"^(https?://[^/?#\s{}]+([/?#]([^\s{}]|\{quest_id\}|\{trace_id\})*)?)?$"
#: The most connections that a pool can be set to.
MAX_POOL = 1_000

Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=DOTENV,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    profile: str = Field("", description="name of a file `profiles/NAME.yaml` that holds settings, too")
    database_url: str = Field(
        "sqlite:///.questline/questline.db",
        description="database: `sqlite:///path` or `postgresql://…`; if unset, DATABASE_URL (environment or `.env`)",
    )
    database_pooler: Literal["auto", "transaction"] = Field(
        "auto",
        description="`transaction` if a pooler such as PgBouncer shares PostgreSQL's sessions among transactions; "
        "with `auto` each process notices it by itself",
    )
    pool_size: Annotated[int, Field(ge=1, le=MAX_POOL)] | Literal["auto"] = Field(
        "auto",
        description="connections of each of two kinds that a process keeps open to the database; `auto` is 5, and in a "
        "worker process worker_threads + 8, at most 20",
    )
    pool_overflow: int = Field(
        15, ge=0, le=MAX_POOL, description="connections that a process may open beyond these for a moment"
    )
    pool_wait_seconds: float = Field(
        30.0, ge=0, le=3600, description="longest wait for one of them while all are in use"
    )
    broker_url: str = Field(
        "memory://",
        description="wake-ups for workers: `memory://` or `redis://…`; if unset, REDIS_URL (environment or `.env`)",
    )
    lords: Words = Field((), description="modules to import Lords from, separated by commas")
    namespace: str = Field(
        "default", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,62}$", description="tenant that all quests belong to"
    )
    actor: str = Field(
        "",
        max_length=200,
        description="on whose behalf verbs are carried out, as the audit tells it; if unset, `USER@HOST` as the "
        "operating system knows them",
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
    retention: Words = Field(
        (),
        description="how long ended quests are kept: rules `STATUS=AGE` or `TYPE:STATUS=AGE`, such as "
        "`completed=30d,nightly:failed=7d`, separated by commas; quests without a rule are kept for ever",
    )
    shutdown_seconds: float = Field(
        30.0,
        ge=0,
        le=86400,
        description="time that running steps get to end when a worker is asked to stop; `questline dev` gives them 3 s",
    )
    capture_output: bool = Field(
        default=False,
        description="keep what handlers print, or log by Python's `logging`, with their steps, as lines of `ctx.log`",
    )
    code_version: str = Field(
        "", max_length=200, description="which code a worker runs, such as a git commit; kept with each attempt"
    )
    auto_migrate: bool = Field(
        default=False, description="whether to migrate a PostgreSQL schema at start; questline always migrates SQLite"
    )
    http_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="address that the gateway listens at; one of loopback is for this machine",
    )
    http_port: int = Field(8080, ge=0, le=65_535, description="port of the gateway; 0 takes one that is free")
    http_base_path: str = Field(
        "",
        max_length=200,
        pattern=r"^(/[A-Za-z0-9_.~\-]+)*$",
        description="path under which a proxy shows the gateway, such as `/quests`",
    )
    http_rate_limit: float = Field(
        1_000.0,
        ge=0,
        le=1_000_000,
        description="requests that one caller, by key and address, may send for long; twice as many at once; 0: any",
    )
    http_proxy_header: str = Field(
        "",
        max_length=100,
        pattern=r"^[A-Za-z0-9-]*$",
        description="header in which a proxy names who it has let in, such as `X-Forwarded-User`; if unset, none does",
    )
    http_proxy_peers: Words = Field(
        (),
        description="addresses or networks of the proxies of which that header is believed; separated by commas",
    )
    http_proxy_scopes: Words = Field(
        ("read",), description="what those may do whom a proxy has let in: `read`, `submit`, `control`, `admin`"
    )
    session_key: str = Field(
        "",
        max_length=1_000,
        description="secret that signs the sessions of browsers; if unset, they end with the gateway's process",
        repr=False,
    )
    redact_keys: Words = Field(
        (), description="keys of objects whose values HTTP never shows, such as `*password*`; separated by commas"
    )
    redact_paths: Words = Field(
        (),
        description="paths whose values HTTP never shows, such as `input_data.customer.email`; separated by commas",
    )
    link_logs: str = Field(
        "",
        max_length=2_000,
        pattern=LINK,
        description="address of a quest's logs, with `{quest_id}` or `{trace_id}`; the quest's page links to it",
    )
    link_traces: str = Field(
        "", max_length=2_000, pattern=LINK, description="address of a quest's trace, in the same way"
    )
    http_streams: int = Field(
        500, ge=0, le=100_000, description="streams of live events that a gateway keeps open at a time; 0 opens none"
    )
    run_quest_type: str = Field("", description="type of the quests that `POST /api/v1/run` makes of a goal")
    health_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="port on which a worker pool or a scheduler answers `/livez`, `/readyz`, `/version`, `/metrics`; "
        "if unset, on none",
    )
    health_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="address of this machine that they answer on; `0.0.0.0` answers other machines, too",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="`console` or `json`; `auto` is console on a terminal and in `questline dev`, else JSON",
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
    max_memory_bytes: int = Field(
        DEFAULTS.memory.size,
        ge=MIN_LIMIT,
        le=MAX_LIMIT,
        description="largest thing that Lords remember, such as one state, context or event, in bytes",
    )

    payload_keys: str = Field(
        "",
        max_length=10_000,
        description="keys that encrypt payloads in the store, as `ID:KEY` with 32 bytes in base64, separated by "
        "commas; the first one encrypts, all of them decrypt; if unset, payloads stand in clear",
        repr=False,
    )
    payload_compress_bytes: int | None = Field(
        None,
        ge=100,
        le=MAX_LIMIT,
        description="size from which a payload is compressed in the store, in bytes of JSON; if unset, none is",
    )

    index_encrypted: bool = Field(
        default=False,
        description="whether the words of what Lords remember are indexed in clear although it is encrypted, so that "
        "it can be searched",
    )

    @property
    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """How long ended quests are kept."""
        return read_rules(self.retention)

    @property
    def limits(self) -> Limits:
        """The sizes that this process keeps to."""
        usual: dict[str, Limit] = {kind.name: getattr(DEFAULTS, kind.name) for kind in fields(Limits)}
        return Limits(**{name: replace(limit, size=getattr(self, str(limit.setting))) for name, limit in usual.items()})

    @field_validator(
        "lords",
        "queues",
        "retention",
        "redact_keys",
        "redact_paths",
        "http_proxy_peers",
        "http_proxy_scopes",
        mode="before",
    )
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

    @field_validator("retention")
    @classmethod
    def _read_retention(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no rule, before any quest is removed by another."""
        try:
            read_rules(words)
        except PayloadError as error:
            raise ValueError(f"{error.message} ({error.hint})") from None
        return words

    @field_validator("payload_keys")
    @classmethod
    def _read_keys(cls, keys: str) -> str:
        """Refuse keys that are none."""
        parse_keys(keys)
        return keys

    @field_validator("log_level", "log_format", "database_pooler", "pool_size", mode="before")
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
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (ours take their place, here and below)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the signature is pydantic-settings')
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in our order of precedence."""
        return Sources.of(settings_cls, init_settings)
