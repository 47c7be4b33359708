"""What `questline doctor` finds about the database: what it is, whether it can be used, its schema, clock and room.

It changes nothing: what it writes is taken back.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from questline.cli.commands import require_head
from questline.cli.doctor.check import Check, failed, passed, warned
from questline.cli.doctor.clock_check import compare_clocks
from questline.cli.exit_codes import ExitCode
from questline.cli.failures import explain
from questline.cli.invocation import Invocation
from questline_persistence.errors import QuestlineError

if TYPE_CHECKING:
    from questline_persistence.store import Database

#: Free space on the disk of an SQLite file below which doctor warns, in bytes.
LITTLE_SPACE = 500_000_000
_POOLED = "a pooler may share sessions; questline sets and prepares nothing in a session"


def check_database(invocation: Invocation) -> Iterator[Check]:
    """Yield whether the store can be reached, what it is, whether its schema is the right one, and its clock."""
    database = invocation.database
    if database.missing:
        yield _check_sqlite(None)
        hint = "the first command that needs the database makes it"
        yield warned("database", "reach", f"{database.name} does not exist yet", hint)
        return
    try:
        schema = _check_schema(database)
    except QuestlineError as error:
        failure = explain(error)
        name = "schema" if failure.exit_code == ExitCode.CONFIGURATION else "reach"
        yield failed("database", name, failure.message, failure.hint, exit_code=ExitCode(failure.exit_code))
        return
    yield passed("database", "reach", database.name)
    yield _check_sqlite(database) if database.dialect.is_embedded else _check_postgres(database)
    yield schema
    server = list(_check_server(invocation))
    yield from server
    if all(check.name != "primary" for check in server):
        yield _check_writing(invocation)
    yield from _check_payloads(database)
    yield _check_clock(database)


def _check_payloads(database: Database) -> Iterator[Check]:
    """Yield whether payloads are encrypted, and whether the keys of the newest ones are here."""
    from questline_persistence.keys import missing_keys  # noqa: PLC0415  (150 ms that --help does not need)

    if missing := missing_keys(database):
        message = f"some are encrypted with the key {', '.join(missing)}, which is not among the keys here"
        yield warned("database", "payloads", message, "add it to QUESTLINE_PAYLOAD_KEYS")
    elif database.codec.seals:
        yield passed("database", "payloads", f"encrypted with the key {database.codec.current}")


def check_disk(invocation: Invocation, *, usable: bool) -> Iterator[Check]:
    """Yield how much room the store takes, and how much is left where that can be seen.

    Parameters:
      usable: whether the store can be asked.
    """
    database = invocation.database
    if database.file is not None:
        yield _check_folder(database.file)
    elif usable:
        yield _check_size(database)


def _check_size(database: Database) -> Check:
    from questline_persistence.store import size_of  # noqa: PLC0415  (200 ms that --help does not need)

    size = size_of(database)
    message = f"the database takes {size / 1e6:,.1f} MB; only the server knows how much room its disk has left"
    return passed("disk", "space", message, {"used_bytes": size, "free_bytes": None})


def _check_schema(database: Database) -> Check:
    """Return the check of a schema that workers accept; raise ConfigurationError for any other."""
    from questline_persistence import schema  # noqa: PLC0415  (as above)

    found = schema.current(database)
    if found == schema.NEXT:
        message = f"revision {found}, of the next release; this questline, which knows {schema.HEAD}, still works"
        return warned("database", "schema", message, "upgrade questline on this machine too", found)
    require_head(database)
    return passed("database", "schema", f"revision {found}, as this version needs it", found)


def _check_sqlite(database: Database | None) -> Check:
    """Return which SQLite is used, and with what journal: that of `database`, or of a file that is yet to be made."""
    from questline_persistence.dialects.sqlite import library as sqlite_library  # noqa: PLC0415  (cheap, but only doctor needs it)

    module = sqlite_library.driver()
    wanted = sqlite_library.journal_mode(module)
    mode = wanted if database is None else database.read(sqlite_library.journal_of)
    library = "sqlite3" if sqlite_library.is_standard(module) else "pysqlite3"
    message = f"SQLite {module.sqlite_version} of {library}, journal mode {mode}"
    value = {"version": module.sqlite_version, "library": library, "journal_mode": mode}
    if mode == wanted == "WAL" and sqlite_library.has_safe_log(module):
        return passed("database", "sqlite", message, value)
    safe = ".".join(map(str, sqlite_library.SAFE_WAL_VERSION))
    hint = (
        f"SQLite before {safe} can corrupt a write-ahead log, so it is used in a slower way; run: pip install pysqlite3"
    )
    if mode != wanted:
        hint = f"this SQLite should use {wanted}; stop other programs that have the file open, then try again"
    return warned("database", "sqlite", message, hint, value)


def _check_writing(invocation: Invocation) -> Check:
    """Return whether what questline writes can be written; it is taken back at once."""
    from questline_persistence.journal import try_writing  # noqa: PLC0415  (200 ms that --help does not need)

    try:
        try_writing(invocation.database, invocation.settings.namespace)
    except Exception as error:  # noqa: BLE001  (doctor is there to report whatever it meets)
        failure = explain(error)
        return failed("database", "writing", failure.message, failure.hint, exit_code=ExitCode(failure.exit_code))
    return passed("database", "writing", "a row of each table was written, changed, deleted, and taken back")


def _check_server(invocation: Invocation) -> Iterator[Check]:
    """Yield what the server is that keeps the store, if any does, and whether its sessions are kept for one client."""
    found = invocation.database.dialect.server(invocation.database)
    if found is None:
        return
    if found.standby or found.read_only:
        message = "the server is a standby" if found.standby else "transactions of this role are read-only"
        hint = "name the primary, or several hosts and target_session_attrs=read-write"
        yield failed("database", "primary", f"{message}: nothing can be written", hint, exit_code=ExitCode.UNREACHABLE)
    if found.shared:
        hint = "set QUESTLINE_DATABASE_POOLER=transaction"
        yield failed("database", "sessions", "a pooler shares sessions, so a session loses what was set in it", hint)
    elif not found.pooled:
        yield passed("database", "sessions", "a session keeps its settings and its prepared statements")
    elif invocation.settings.database_pooler == "transaction":
        yield passed("database", "sessions", _POOLED)
    else:
        hint = "set QUESTLINE_DATABASE_POOLER=transaction, so that each process knows it at its start"
        yield warned("database", "sessions", _POOLED, hint)


def _check_postgres(database: Database) -> Check:
    numbers = getattr(database.engine.dialect, "server_version_info", None) or ()
    version = ".".join(map(str, numbers))
    return passed("database", "server", f"PostgreSQL {version}", version)


def _check_clock(database: Database) -> Check:
    if database.dialect.is_embedded:
        return passed("database", "clock", "SQLite goes by the clock of this machine", {"ahead_seconds": 0.0})
    return compare_clocks("database", "the database server", database.clock.now() - time.time())


def _check_folder(file: Path) -> Check:
    place = next(parent for parent in file.parents if parent.exists())
    free = shutil.disk_usage(place).free
    used = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    message = f"{free / 1e9:.1f} GB free at {place}, the store takes {used / 1e6:,.1f} MB"
    value = {"used_bytes": used, "free_bytes": free}
    if free < LITTLE_SPACE:
        return warned("disk", "space", message, "make room: on a full disk all quests stop", value)
    return passed("disk", "space", message, value)
