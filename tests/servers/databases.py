"""Making and dropping databases on a PostgreSQL server."""

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url


class PostgresDatabases:
    """The databases of one server, reached through the URL of a superuser's database."""

    def __init__(self, admin_url: str) -> None:
        self._url = make_url(admin_url).set(drivername="postgresql")

    def url(self, name: str) -> str:
        """The URL of a database on this server."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str, *, template: str = "template0") -> str:
        """Create a database as a copy of another one that nobody is connected to, and return its URL."""
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database, throwing out whoever is connected to it."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _run(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))  # pyright: ignore[reportArgumentType]
        url = self._url.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(query)
