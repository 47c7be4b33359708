"""Making and dropping databases on a PostgreSQL server."""

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url


class PostgresDatabases:
    """The databases of one server, reached through the URL of a superuser's database.

    A server that may lose its data copies files (`as_files`), in half the time; one that syncs to disk is spared that.
    """

    def __init__(self, admin_url: str, *, as_files: bool = False) -> None:
        self._url = make_url(admin_url).set(drivername="postgresql")
        self._create = "CREATE DATABASE {} TEMPLATE {}" + " STRATEGY file_copy" * as_files

    def url(self, name: str) -> str:
        """The URL of a database on this server."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str, *, template: str = "template0") -> str:
        """Create a database as a copy of another one that nobody is connected to, and return its URL."""
        self._run(self._create, name, template)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database, throwing out whoever is connected to it."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _run(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))  # pyright: ignore[reportArgumentType]
        url = self._url.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(query)
