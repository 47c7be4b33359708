"""One invocation of a command: the options that every command takes, and what they open."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import chdir
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from questline.cli.display import Output, output
from questline.cli.failures import UsageMistake
from questline_persistence.errors import ConfigurationError, NotAllowed, StoreUnavailable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.audit import Actor
    from questline_persistence.keys import Keys
    from questline_persistence.memory import Kept
    from questline_persistence.records import Backlog, QuestHistory, QuestRepository, Statistics
    from questline_persistence.recovery import Register
    from questline_persistence.settings import Settings
    from questline_persistence.store import Database
    from questline_scheduler.client import QuestClient

Text = Callable[[], "RenderableType"]


@dataclass(frozen=True, slots=True)
class Flags:
    """The settings that every command takes as options; None where the option was not given."""

    profile: str | None = None
    database_url: str | None = None
    broker_url: str | None = None
    namespace: str | None = None

    def given(self) -> dict[str, str]:
        """Return the options that were given."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    def words(self) -> list[str]:
        """Return the options as they were given, but for an address that may hold a password."""
        return [
            word
            for name, value in self.given().items()
            if "@" not in value
            for word in (f"--{name.replace('_', '-')}", value)
        ]


class Invocation:
    """What a command works with; a context manager that closes what was opened.

    Parameters:
      chosen: the form of the answer.
      flags: the options that every command takes.
    """

    def __init__(self, chosen: Output, flags: Flags) -> None:
        self.output = chosen
        self.flags = flags
        self._makes_store = False
        self._logs = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if "client" in self.__dict__:
            self.client.close()
        for opened in ("store", "database"):
            if opened in self.__dict__:
                self.__dict__[opened].close()

    def make_store(self) -> None:
        """Have a store made where there is none, once it is used: a command that submits or runs quests needs one."""
        self._makes_store = True

    def go_by(self, chosen: Settings) -> None:
        """Go by these settings from now on, which hold what further options say."""
        self.settings = chosen

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.load_settings()

    def load_settings(self, **more: Any) -> Settings:
        """Return the settings, with what further options say.

        Raises:
          UsageMistake: an option holds a wrong value.
          ConfigurationError: a setting from elsewhere does.
        """
        from questline_persistence import settings  # noqa: PLC0415  (150 ms that --help does not need)

        try:
            return settings.load(**self.flags.given(), **more)
        except ConfigurationError as error:
            settings.load(profile=self.flags.profile)
            raise UsageMistake(error.message, hint=error.hint) from error

    @cached_property
    def database(self) -> Database:
        """The store, its schema unseen."""
        from questline_persistence.store import open_database  # noqa: PLC0415  (200 ms that --help does not need)

        database = open_database(chosen=self.settings)
        if database.file is not None:
            refuse_forbidden_file(database.file)
        return database

    @cached_property
    def store(self) -> Database:
        """The store, with the schema that this version needs; made only after `make_store`.

        Raises:
          StoreUnavailable: there is no store where one was named.
          ConfigurationError: its schema is not the one of this version.
        """
        from questline_persistence import schema  # noqa: PLC0415  (as the store's)

        if not self._makes_store and self.database.dialect.is_embedded and schema.current(self.database) is None:
            return self._nothing_yet()
        schema.ensure(self.database, auto_migrate=self.settings.auto_migrate)
        return self.database

    def _nothing_yet(self) -> Database:
        """Return an empty store in place of the default one, which is only made when it is needed."""
        from questline_persistence import schema  # noqa: PLC0415  (as the store's)
        from questline_persistence.store import Database  # noqa: PLC0415

        if self.settings.database_url != type(self.settings).model_fields["database_url"].default:
            name = self.database.name
            if self.database.missing:
                raise StoreUnavailable(f"there is no database at {name}", hint=_MISSING_HINT)
            raise ConfigurationError(f"the database {name} has no questline schema", hint=_MISSING_HINT)
        empty = Database(":memory:")
        schema.ensure(empty)
        return empty

    @cached_property
    def actor(self) -> Actor:
        """Who has called the command; its changes have one request id."""
        from questline_persistence.audit import Actor, Door  # noqa: PLC0415  (as the store's)
        from questline_persistence.ids import new_claim_id  # noqa: PLC0415

        return Actor.of_process(self.settings.actor, door=Door.CLI, request_id=new_claim_id())

    @cached_property
    def repository(self) -> QuestRepository:
        """The records."""
        from questline_persistence.records import QuestRepository  # noqa: PLC0415  (as the store's)

        return QuestRepository(self.store, namespace=self.settings.namespace, actor=self.actor)

    @cached_property
    def keys(self) -> Keys:
        """The keys of those who come by HTTP."""
        from questline_persistence.keys import Keys  # noqa: PLC0415  (as the store's)

        return Keys(self.store, self.settings.namespace, self.actor)

    @cached_property
    def history(self) -> QuestHistory:
        """What quests have been through."""
        from questline_persistence.records import QuestHistory  # noqa: PLC0415  (as the store's)

        return QuestHistory(self.repository.database, self.settings.namespace)

    @cached_property
    def statistics(self) -> Statistics:
        """How quests and Lords have fared."""
        from questline_persistence.records import Statistics  # noqa: PLC0415  (as the store's)

        return Statistics(self.repository.database, self.settings.namespace)

    @cached_property
    def register(self) -> Register:
        """The worker processes."""
        from questline_persistence.recovery import Register  # noqa: PLC0415  (as the store's)

        return Register(self.repository.database, self.settings.namespace)

    @cached_property
    def backlog(self) -> Backlog:
        """What waits, and for what."""
        from questline_persistence.records import Backlog  # noqa: PLC0415  (as the store's)

        return Backlog(self.repository.database, self.settings.namespace)

    def kept(self, prefix: str | None = None, *, shown: bool = True) -> Kept:
        """Return what Lords remember under a key prefix.

        Parameters:
          prefix: the key prefix; None means none.
          shown: whether it is only looked at; False where something is written that comes of it.

        Raises:
          PayloadError: it can be no prefix.
        """
        from questline_persistence.arguments import key_prefix  # noqa: PLC0415  (as the store's)
        from questline_persistence.memory import Kept  # noqa: PLC0415

        return Kept(self.store, self.settings.namespace, key_prefix(prefix), actor=self.actor, shown=shown)

    @cached_property
    def client(self) -> QuestClient:
        """The client that rings for what it changes."""
        from questline_scheduler.client import QuestClient  # noqa: PLC0415  (Dramatiq, which only steering needs)

        self.configure_logging()
        chosen = self.settings
        return QuestClient(None, chosen.broker_url, chosen.namespace, database=self.store, actor=self.actor)

    def configure_logging(self) -> None:
        """Send log lines to stderr, as the settings ask for."""
        from questline_scheduler.logs import configure_logging  # noqa: PLC0415  (structlog, which looking does not need)

        if not self._logs:  # only once: modules of Lords may have added handlers since
            configure_logging(self.settings)
            self._logs = True

    def import_lords(self, modules: Iterable[str] = ()) -> None:
        """Import the modules that register Lords and quest types: these, or else those of the settings.

        Raises:
          ConfigurationError: one cannot be imported; its code is "import".
        """
        names = tuple(modules) or self.settings.lords
        if names:
            from questline_persistence.store import decide_library  # noqa: PLC0415  (as the store's)
            from questline_scheduler.logs import restore_logging  # noqa: PLC0415  (only those who have Lords need it)
            from questline_worker.lords import import_lords  # noqa: PLC0415

            self.configure_logging()
            decide_library(self.settings.database_url)
            try:
                with chdir("."):  # a module may go elsewhere; what follows is said of this folder
                    import_lords(names)
            finally:
                restore_logging(self.settings)

    def now(self) -> float:
        """Return the database's time in epoch seconds."""
        return self.store.clock.now()

    # Answers

    def answer(self, data: Mapping[str, Any], text: Text) -> None:
        """Print one object: as JSON if that was asked for, else as text."""
        if self.output is Output.TEXT:
            output.render(text())
        else:
            output.write_json(data, self.output)

    def answer_items(
        self, items: list[dict[str, Any]], text: Text, *, empty: str, next_cursor: str | None = None
    ) -> None:
        """Print a list: as JSON if that was asked for, else as a table, or `empty` where there is nothing."""
        if self.output is not Output.TEXT:
            output.write_items(items, self.output, next_cursor)
        elif items:
            output.render(text())
        else:
            output.note(empty)


def refuse_forbidden_file(file: Path) -> None:
    """Check that this user may use an SQLite file and the folder of its journal.

    Raises:
      NotAllowed: they may not; SQLite itself only says that it cannot open the file.
    """
    try:
        nearest = next(place for place in (file, *file.parents) if place.exists())
    except PermissionError as error:
        raise NotAllowed(f"no permission to look into {Path(error.filename).parent}", hint=_FILE_HINT) from None
    for place in (nearest, file.parent) if nearest == file else (nearest,):
        if not os.access(place, os.W_OK):
            raise NotAllowed(f"no permission to write {place}, which the database needs", hint=_FILE_HINT)


_MISSING_HINT = "correct the URL, or make a database there: run `questline submit` or `questline db upgrade`"
_FILE_HINT = "run as a user who may, or name another file with --database-url"
