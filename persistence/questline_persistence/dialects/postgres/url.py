"""Reads the URL of a PostgreSQL database as libpq does: several hosts, sockets, services and all of its options."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sqlalchemy.engine import URL

from questline_persistence.errors import ConfigurationError, suggestion

_DRIVER = "postgresql+psycopg"
_LARGEST_PORT = 65_535
_HINT = "use postgresql://user:password@host:port/database; in a password write / as %2F, ? as %3F, # as %23, % as %25"


def read_postgres_url(text: str) -> URL:
    """Return the SQLAlchemy URL that a URL of PostgreSQL means.

    Raises:
      ConfigurationError: it cannot be read; the message holds nothing of its password.
    """
    # Kept from the stores' other kind: it is slow to import.
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        spelled = _spelled(text)
        _check_options(spelled)
        found = conninfo_to_dict(spelled)
    except (ProgrammingError, ValueError):  # either may quote the password
        raise ConfigurationError("the database URL cannot be read", hint=_HINT) from None
    options = {name: str(value) for name, value in found.items()}
    user, password, database = (options.pop(name, None) for name in ("user", "password", "dbname"))
    host, port = options.pop("host", None), options.pop("port", None)
    ports = _ports(host, port)
    if host is None or "," in host or host.startswith(("/", "@")):  # a socket's folder, or several
        options |= {name: value for name, value in (("host", host), ("port", ports)) if value}
        return URL.create(_DRIVER, user, password, database=database, query=options)
    return URL.create(_DRIVER, user, password, host, int(ports) if ports else None, database, options)


def shown(url: URL) -> str:
    """Return such a URL for people, without its password and its options."""
    name = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
    hosts = str(url.query.get("host", "")).split(",")
    if len(hosts) == 1:
        return name
    ports = str(url.query.get("port", "")).split(",")
    ports += [""] * (len(hosts) - len(ports))
    where = ",".join(f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=True))
    return name.replace("@/", f"@{where}/") if "@/" in name else name.replace("///", f"//{where}/")


def _spelled(text: str) -> str:
    """Return the URL as libpq wants it spelled: it takes no bare space or % in a password, nor = in an option."""
    parts = urlsplit(text)
    who, at, where = parts.netloc.rpartition("@")
    user, colon, password = who.partition(":")
    netloc = _quoted(user) + colon + _quoted(password) + at + where
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True), quote_via=quote)
    return f"postgresql://{netloc}{parts.path}?{query}"


def _quoted(text: str) -> str:
    return quote(unquote(text), safe="")


def _check_options(text: str) -> None:
    """Raise ConfigurationError for an option that libpq does not know."""
    from psycopg.pq import Conninfo  # noqa: PLC0415  (as above)

    known = [option.keyword.decode() for option in Conninfo.get_defaults()]
    parts = urlsplit(text)
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name in {*known, "ssl"}:  # `ssl=true` is another spelling of an `sslmode`
            continue
        if "@" in unquote(parts.query) and "@" not in parts.netloc:  # a ? in the password, which is not to be repeated
            raise ConfigurationError("the database URL cannot be read", hint=_HINT)
        hint = suggestion(name, known, kind="options")
        raise ConfigurationError(f"the database URL has an unknown option {name!r}", hint=hint)


def _ports(host: str | None, port: str | None) -> str | None:
    """Return one port for each host, or None where all are the usual one.

    Raises:
      ConfigurationError: one is none, or they are not as many as the hosts.
    """
    ports = (port or "").split(",")
    for one in ports:
        if one and not (one.isdecimal() and 0 < int(one) <= _LARGEST_PORT):
            # It is not repeated: without an @ it may be the password.
            raise ConfigurationError("the port in the database URL is no number from 1 to 65535", hint=_HINT)
    hosts = len((host or "").split(","))
    if len(ports) not in {1, hosts}:
        raise ConfigurationError(f"the database URL has {hosts} hosts and {len(ports)} ports", hint=_HINT)
    return ",".join(ports if len(ports) == hosts else ports * hosts) if any(ports) else None
