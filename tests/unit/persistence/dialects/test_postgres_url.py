"""The URL of a PostgreSQL database: what libpq takes is taken, and what it does not is told without the password."""

import pytest

from questline_persistence.dialects import parse_url
from questline_persistence.errors import ConfigurationError
from questline_persistence.store import Database


def arguments(text: str) -> dict[str, object]:
    """Return what the driver is asked for."""
    url = parse_url(text)
    found: dict[str, object] = dict(url.get_dialect()().create_connect_args(url)[1])
    found.pop("context", None)
    return found


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_each_way_to_write_the_scheme_means_the_same(scheme: str) -> None:
    assert arguments(f"{scheme}://me:pw@host:5433/db?sslmode=require") == {
        "user": "me",
        "password": "pw",
        "host": "host",
        "port": 5433,
        "dbname": "db",
        "sslmode": "require",
    }


def test_several_hosts_are_passed_on_with_their_ports() -> None:
    text = "postgresql://me:pw@a:1,b:2/db?target_session_attrs=read-write"

    assert arguments(text) == {
        "user": "me",
        "password": "pw",
        "host": "a,b",
        "port": "1,2",
        "dbname": "db",
        "target_session_attrs": "read-write",
    }


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("postgresql://me@a,b/db", "a,b", ","),
        ("postgresql://me@a:1,b/db", "a,b", "1,"),
        ("postgresql://me@/db?host=a,b&port=1", "a,b", "1,1"),
        ("postgresql://me@/db?host=/run/pg&port=5433", "/run/pg", "5433"),
        ("postgresql://me@[::1]:5433/db", "::1", 5433),
        ("postgresql:///db?service=mine", None, None),
    ],
)
def test_hosts_sockets_and_services_are_found(text: str, host: str | None, port: object) -> None:
    found = arguments(text)

    assert (found.get("host"), found.get("port")) == (host, port)


@pytest.mark.parametrize("password", ["p%40ss", "100%", "a b", "p@ss", "p%25"])
def test_a_password_is_read_however_it_is_spelled(password: str) -> None:
    spelled = {"p%40ss": "p@ss", "p%25": "p%"}.get(password, password)

    assert arguments(f"postgresql://me:{password}@host/db")["password"] == spelled


def test_options_of_the_session_keep_their_equals_sign() -> None:
    assert arguments("postgresql://host/db?options=-csearch_path=mine")["options"] == "-csearch_path=mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgresql://me:secret@host:abc/db", "port"),
        ("postgresql://me:secret@host:0/db", "port"),
        ("postgresql://me:secret@host:70000/db", "port"),
        ("postgresql://me:secret@a:1,b:x/db", "port"),
        ("postgresql://me:secret@/db?host=a,b,c&port=1,2", "3 hosts and 2 ports"),
        ("postgresql://me:secret", "port"),
        ("postgresql://me:sec/ret@host/db", "port"),
        ("postgresql://me:sec?ret@host/db", "port|cannot be read"),
        ("postgresql://me:secret@host/db?sslmod=require", "unknown option 'sslmod'"),
        ("postgresql://me:secret@[host/db", "cannot be read"),
    ],
)
def test_a_mistake_is_told_with_a_hint_and_without_the_password(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        Database(text)

    assert raised.value.hint
    assert "sec" not in raised.value.advice
    assert raised.value.__cause__ is None


def test_the_nearest_option_is_named() -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_url("postgresql://host/db?sslmod=require")

    assert raised.value.hint == "did you mean 'sslmode'?"


def test_the_name_of_a_store_tells_its_hosts_and_no_password() -> None:
    assert Database("postgresql://me:pw@a:1,b:2/db").name == "postgresql://me:***@a:1,b:2/db"
    assert Database("postgresql://me:pw@a:1/db?sslmode=require").name == "postgresql://me:***@a:1/db"
