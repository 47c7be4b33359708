"""Reads which SQLite file a text means, to the letter: a mistake in the configuration must not make another file."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.engine import URL

from questline_persistence.errors import ConfigurationError

HINT = "use sqlite:///path/to/file.db or postgresql://user:password@host/database"

_MEMORY = ":memory:"
#: What a text begins with that was meant as something else than a path: `host=…`, `host:5432`, `user:…@`, `//host`.
_NO_PATH = re.compile(r"\s*[A-Za-z_]+\s*=|[^/]*:|[^/]*@[^/]*/|//")
#: A variable that nobody has replaced, as `${NAME}`, `$NAME` or `{{ name }}`.
_UNEXPANDED = re.compile(r"\$\{|(?:^|/)\$[A-Za-z_]|\{\{")
#: What another program would take for options of the connection.
_OPTIONS = re.compile(r"\?(?=[A-Za-z_]+=)")


def of_file(path: Path) -> URL:
    """Return the URL of exactly this file."""
    return URL.create("sqlite", database=str(path))


def read_path(text: str) -> URL:
    """Return the URL of the file that a text without a scheme names.

    Raises:
      ConfigurationError: it looks like something else; the text itself, which may hold a password, is not repeated.
    """
    if text != _MEMORY and (not text.strip() or _NO_PATH.match(text)):
        raise ConfigurationError(
            "the database setting is neither a URL nor a path", hint=f"{HINT}; a path with : = or @ begins with ./"
        )
    return _checked(text)


def read_sqlite_url(text: str) -> URL:
    """Return the URL of the file that `sqlite:///…` names: all that follows is its path, no character is special.

    Raises:
      ConfigurationError: it names a host, or has options.
    """
    path = text.partition("://")[2]
    if path and not path.startswith("/"):
        raise ConfigurationError("an SQLite URL has three slashes, four before an absolute path", hint=HINT)
    path = path[1:]
    if path.startswith("file:") or _OPTIONS.search(path):
        raise ConfigurationError(
            "an SQLite URL takes no options and no file: URI; questline sets what it relies on",
            hint="end the URL with the path; in Python, pathlib.Path names a file with any characters",
        )
    return _checked(path or _MEMORY)


def _checked(path: str) -> URL:
    if _UNEXPANDED.search(path):
        raise ConfigurationError("the database setting holds a variable that was not replaced", hint=HINT)
    if "\0" in path:
        raise ConfigurationError("the path of the database holds a NUL character", hint=HINT)
    return URL.create("sqlite", database=path)
