"""What `questline doctor` finds on real servers, as a process that a script or a health check starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy.engine import make_url

from tests.acceptance.cli.conftest import Ended, Shell
from tests.servers.valkey import ValkeyServer

BROKER = Path(__file__).parents[3] / "docs/reference/broker.md"


def found(ended: Ended, group: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in ended.data["checks"] if check["group"] == group}


@pytest.fixture
def servers(postgres_url: str, redis_url: str) -> dict[str, str]:
    return {"QUESTLINE_DATABASE_URL": postgres_url, "QUESTLINE_BROKER_URL": redis_url}


def test_servers_that_are_well_pass_with_their_versions_and_clocks(shell: Shell, servers: dict[str, str]) -> None:
    ended = shell("doctor", "-o", "json", **servers)
    database, broker = found(ended, "database"), found(ended, "broker")

    assert (ended.code, ended.data["ok"]) == (0, True)
    assert {name: check["status"] for name, check in (database | broker).items()} == dict.fromkeys(
        ("reach", "server", "schema", "sessions", "writing", "clock", "rehearsal", "maxmemory", "maxmemory-policy"),
        "pass",
    )
    assert broker["server"]["value"]["server"] == "valkey"
    for clock in (database["clock"], broker["clock"]):
        assert abs(clock["value"]["ahead_seconds"]) < 1
    room = found(ended, "disk")["space"]
    assert room["value"]["used_bytes"] > 1_000_000
    assert "only the server knows" in room["message"]


def test_a_broker_that_may_evict_bells_is_a_warning_with_its_mending(
    shell: Shell, servers: dict[str, str], redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            ended = shell("doctor", "-o", "json", **servers)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    seen = found(ended, "broker")["maxmemory-policy"]

    assert ended.code == 0
    assert (seen["status"], seen["value"]) == ("warn", "allkeys-lru")
    assert "noeviction" in seen["hint"]


def as_user(shell: Shell, servers: dict[str, str], redis_url: str, *rights: str) -> Ended:
    """Run doctor as a user of the broker with these rights."""
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "SETUSER", "ringer", "reset", "on", ">x", *rights)
        try:
            url = redis_url.replace("redis://", "redis://ringer:x@")
            return shell("doctor", "-o", "json", **servers | {"QUESTLINE_BROKER_URL": url})
        finally:
            client.acl_deluser("ringer")


def test_a_broker_whose_user_may_not_ask_is_reached_all_the_same(
    shell: Shell, servers: dict[str, str], redis_url: str
) -> None:
    ended = as_user(shell, servers, redis_url, "~*", "+@all", "-info")

    assert ended.code == 0, ended
    assert {name: check["status"] for name, check in found(ended, "broker").items()} == {
        "reach": "pass",
        "rehearsal": "pass",
        "server": "warn",
        "clock": "pass",
        "policy": "warn",
        "memory": "warn",
    }


@pytest.mark.parametrize(
    "rights",
    [("~*", "+@all", "-@scripting"), ("~*", "+@all", "-time"), ("~*", "+@all", "-zadd"), ("~other:*", "+@all")],
)
def test_a_user_who_may_not_do_what_workers_do_fails(
    shell: Shell, servers: dict[str, str], redis_url: str, rights: tuple[str, ...]
) -> None:
    ended = as_user(shell, servers, redis_url, *rights)
    seen = found(ended, "broker")["rehearsal"]

    assert (ended.code, seen["status"]) == (6, "fail")
    assert "docs/reference/broker.md" in seen["hint"]


def test_the_rights_that_the_documents_name_are_enough(shell: Shell, servers: dict[str, str], redis_url: str) -> None:
    (rule,) = [line.split("ACL SETUSER ")[1] for line in BROKER.read_text().splitlines() if "ACL SETUSER " in line]
    ended = as_user(shell, servers, redis_url, *(word for word in rule.strip("`").split()[1:] if word[0] != ">"))

    assert {name: check["status"] for name, check in found(ended, "broker").items()} == dict.fromkeys(
        ("reach", "rehearsal", "server", "clock", "maxmemory-policy", "maxmemory"), "pass"
    )


def test_a_full_broker_fails_with_its_mending(shell: Shell, postgres_url: str, valkey_server: ValkeyServer) -> None:
    valkey_server.flush()
    with redis.Redis.from_url(valkey_server.url) as client:
        client.config_set("maxmemory", 1)
        try:
            where = {"QUESTLINE_DATABASE_URL": postgres_url, "QUESTLINE_BROKER_URL": valkey_server.url}
            ended = shell("doctor", "-o", "json", **where)
        finally:
            client.config_set("maxmemory", 0)
        seen = found(ended, "broker")

        assert (ended.code, seen["rehearsal"]["status"], seen["maxmemory"]["status"]) == (3, "fail", "warn")
        assert "maxmemory" in seen["rehearsal"]["hint"]
        assert client.keys("*") == []


def test_a_cluster_is_told_with_the_node_that_keeps_the_bells(
    shell: Shell, postgres_url: str, cluster_url: str
) -> None:
    where = {"QUESTLINE_DATABASE_URL": postgres_url, "QUESTLINE_BROKER_URL": cluster_url}
    ended = shell("doctor", "-o", "json", **where)

    assert ended.code == 0, ended
    assert found(ended, "broker")["cluster"]["value"]["state"] == "ok"


def test_a_broker_that_is_down_fails_as_unreachable_and_the_rest_is_still_looked_at(
    shell: Shell, postgres_url: str
) -> None:
    where = {"QUESTLINE_DATABASE_URL": postgres_url, "QUESTLINE_BROKER_URL": "redis://127.0.0.1:1/0"}
    ended = shell("doctor", "-o", "json", **where)

    assert (ended.code, ended.data["ok"]) == (3, False)
    assert found(ended, "broker")["reach"]["status"] == "fail"
    assert found(ended, "tickets")["all"]["status"] == "pass"


def test_a_database_without_the_schema_fails_with_the_command_to_run(shell: Shell, blank_postgres_url: str) -> None:
    ended = shell("doctor", "-o", "json", QUESTLINE_DATABASE_URL=blank_postgres_url)
    seen = found(ended, "database")["schema"]

    assert ended.code == 7
    assert (seen["status"], seen["hint"]) == ("fail", "run: questline db upgrade")
    assert not found(ended, "tickets")


@contextmanager
def role(postgres_url: str, rights: str) -> Iterator[dict[str, str]]:
    """A role with these rights on all tables, as the environment of a command that uses it."""
    name = f"{make_url(postgres_url).database}_role"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'".encode())
        admin.execute(f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {name}".encode())
        try:
            url = make_url(postgres_url).set(username=name, password="x")  # noqa: S106  (gone in a moment)
            yield {"QUESTLINE_DATABASE_URL": url.render_as_string(hide_password=False)}
        finally:
            for statement in (f"DROP OWNED BY {name}", f"DROP ROLE {name}"):
                admin.execute(statement.encode())


def test_a_role_that_may_not_use_a_sequence_fails_with_its_mending(
    shell: Shell, servers: dict[str, str], postgres_url: str
) -> None:
    with role(postgres_url, "SELECT, INSERT, UPDATE, DELETE") as theirs:
        ended = shell("doctor", "-o", "json", **servers | theirs)
    seen = found(ended, "database")["writing"]

    assert (ended.code, seen["status"]) == (6, "fail")
    assert "sequence" in seen["message"]
    assert "GRANT" in seen["hint"]


@pytest.mark.parametrize("command", [("worker", "lords"), ("scheduler",)])
def test_a_process_whose_role_may_only_read_says_so_and_does_not_start(
    shell: Shell, servers: dict[str, str], postgres_url: str, command: tuple[str, ...]
) -> None:
    (shell.folder / "lords.py").write_text("from questline import lord\n\n@lord('a', 'b')\ndef work(ctx): ...\n")
    with role(postgres_url, "SELECT") as theirs:
        ended = shell(*command, **servers | theirs)

    assert ended.code == 6
    error, hint = ended.err.splitlines()
    assert error.startswith("Error: ")
    assert "GRANT" in hint


def test_a_server_that_takes_no_writes_fails_as_unreachable(
    shell: Shell, servers: dict[str, str], postgres_url: str
) -> None:
    name = make_url(postgres_url).database
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    ended = shell("doctor", "-o", "json", **servers)
    seen = found(ended, "database")

    assert (ended.code, seen["primary"]["status"]) == (3, "fail")
    assert "target_session_attrs" in seen["primary"]["hint"]
    assert "writing" not in seen


def test_what_doctor_writes_is_taken_back(shell: Shell, servers: dict[str, str], postgres_url: str) -> None:
    assert found(shell("doctor", "-o", "json", **servers), "database")["writing"]["status"] == "pass"
    with psycopg.connect(postgres_url) as connection:
        tables = ("quest_executions", "quest_steps", "tickets", "lord_runs", "quest_snapshots", "workers", "counts")
        counted = [connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() for name in tables]
    assert counted == [(0,)] * len(tables)


def test_sessions_that_a_pooler_is_known_to_share_pass(shell: Shell, servers: dict[str, str]) -> None:
    ended = shell("doctor", "-o", "json", **servers, QUESTLINE_DATABASE_POOLER="transaction")
    seen = found(ended, "database")["sessions"]

    assert (ended.code, seen["status"]) == (0, "pass")
    assert "pooler" in seen["message"]
