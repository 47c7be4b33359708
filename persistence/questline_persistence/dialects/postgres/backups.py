"""Backups of our tables on a PostgreSQL server, made and read by its own programs, where these are installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from sqlalchemy.engine import URL

from questline_persistence.errors import ConfigurationError, PayloadError, StoreUnavailable

#: What a file of `pg_dump` in its own format begins with.
_MAGIC = b"PGDMP"
#: How `pg_restore` lists a table.
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE \S+ (\S+) ", re.MULTILINE)
#: Longest message of a program that is repeated, in characters.
_MAX_TOLD = 500
#: That others' tables, owners and rights are none of ours.
_OURS = ("--no-owner", "--no-privileges")


def dump(url: URL, path: Path, tables: Collection[str]) -> None:
    """Write our tables into a file.

    Parameters:
      url: the store's.
      path: the file.
      tables: the names of the tables.

    Raises:
      ConfigurationError: `pg_dump` is not installed.
      StoreUnavailable: it has failed.
    """
    chosen = [f"--table={name}" for name in sorted(tables)]
    _run("pg_dump", url, "--format=custom", *_OURS, *chosen, f"--file={path}", f"--dbname={_address(url)}")


def look_at(path: Path) -> set[str]:
    """Make sure that a file is one of `pg_dump`; return the names of its tables.

    Raises:
      PayloadError: it is not.
      ConfigurationError: `pg_restore` is not installed.
    """
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
    try:
        listed = _run("pg_restore", None, "--list", str(path)) if begin == _MAGIC else ""
    except StoreUnavailable as error:
        raise PayloadError(f"{path} is no backup that can be read: {error}", hint=_HINT) from None
    tables = {match[1] for match in _TABLE.finditer(listed)}
    if "questline_version" not in tables:
        raise PayloadError(f"{path} is no backup of questline on PostgreSQL", hint=_HINT)
    return tables


def restore(url: URL, path: Path) -> None:
    """Make the tables that a file holds, in place of those of the same names, in one transaction.

    Raises:
      ConfigurationError: `pg_restore` is not installed.
      StoreUnavailable: it has failed.
    """
    own = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error", *_OURS)
    _run("pg_restore", url, *own, f"--dbname={_address(url)}", str(path))


def _address(url: URL) -> str:
    """Return the address of a database without its password, which others could read among the running programs."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  (as in `url`)

    named = {"user": url.username, "host": url.host, "port": url.port, "dbname": url.database, **url.query}
    return make_conninfo("", **{name: str(value) for name, value in named.items() if value is not None})


def _run(program: str, url: URL | None, *words: str) -> str:
    """Run one of PostgreSQL's programs; return what it printed."""
    found = shutil.which(program)
    if found is None:
        hint = "install PostgreSQL's client programs, of the server's version or a later one"
        raise ConfigurationError(f"{program} is not installed here", hint=hint)
    password = {} if url is None or url.password is None else {"PGPASSWORD": str(url.password)}
    done = subprocess.run(  # noqa: S603  (of words of ours and an address that was read)
        [found, *words],
        env={**os.environ, **password},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        told = " ".join(done.stderr.split())[:_MAX_TOLD]
        raise StoreUnavailable(f"{program} has failed: {told}", hint=f"look with: {program} --version")
    return done.stdout


_HINT = "name a file that `questline backup` has written for such a database"
