"""The servers that all other integration tests stand on."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import psutil
import psycopg
import pytest
import redis
from sqlalchemy import create_engine, inspect

from tests.servers.databases import PostgresDatabases
from tests.servers.folder import ServerFolder
from tests.servers.postgres import PostgresServer, binaries
from tests.servers.process import ServerError, ServerProcess
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]

#: Starts a server, tells its process id and its folder, and waits to be killed.
OWNER = """
import sys
from tests.servers.{module} import {name}
server = {name}().start()
print(server.pid, server.directory, sep=";", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    valkey_server.flush()
    return valkey_server


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> PostgresServer:
    return postgres_server.start()


def test_valkey_forgets_everything_on_restart_and_keeps_its_port(valkey: ValkeyServer) -> None:
    url, pid = valkey.url, valkey.pid
    with redis.Redis.from_url(url) as client:
        client.set("quest", "q1")
        valkey.restart()

        assert client.get("quest") is None
    assert (valkey.url, valkey.pid != pid) == (url, True)


def test_a_paused_valkey_answers_only_after_it_resumes(valkey: ValkeyServer) -> None:
    with redis.Redis.from_url(valkey.url, socket_timeout=0.2, retry=None) as client:
        client.ping()
        valkey.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        valkey.resume()

        assert eventually(client.ping, ignoring=(redis.RedisError,))


def test_a_paused_valkey_can_be_stopped(valkey: ValkeyServer) -> None:
    valkey.pause()
    valkey.stop()

    assert not valkey.running


@pytest.mark.parametrize("run", ["first", "second"])
def test_every_test_gets_an_empty_redis(redis_url: str, run: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left by", run)


@pytest.mark.parametrize("crash", [False, True], ids=["clean", "crash"])
def test_postgres_keeps_its_data_and_its_port_over_a_restart(postgres: PostgresServer, *, crash: bool) -> None:
    url = postgres.create_database(f"restart_{crash}".lower())
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE quests (id text)")
        connection.execute("INSERT INTO quests VALUES ('q1')")

    postgres.restart(immediate=crash)

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id FROM quests").fetchall() == [("q1",)]


def test_postgres_stops_although_clients_are_connected(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url) as connection:
        postgres.stop()

        assert not postgres.running
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_two_databases_share_nothing(
    blank_postgres_url: str, postgres_databases: Callable[[], PostgresDatabases]
) -> None:
    second = postgres_databases().create("questline_second")
    with psycopg.connect(blank_postgres_url) as one, psycopg.connect(second) as two:
        one.execute("CREATE TABLE quests (id text)")
        one.commit()

        assert two.execute("SELECT to_regclass('quests')").fetchone() == (None,)
    postgres_databases().drop("questline_second")


def test_a_database_is_a_copy_of_its_template(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.create_database("original")) as connection:
        connection.execute("CREATE TABLE quests (id text)")

    with psycopg.connect(postgres.create_database("copy", template="original")) as connection:
        assert connection.execute("SELECT count(*) FROM quests").fetchone() == (0,)


def test_postgres_listens_on_a_unix_socket_too(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.socket_url("postgres")) as connection:
        assert connection.execute("SELECT inet_server_addr()").fetchone() == (None,)


def test_a_store_comes_with_the_newest_schema(database_url: str) -> None:
    assert "quest_executions" in _tables(database_url)


def test_a_blank_store_has_no_tables(blank_database_url: str) -> None:
    assert _tables(blank_database_url) == []


@pytest.mark.parametrize(
    ("module", "name"), [("valkey", "ValkeyServer"), ("postgres", "PostgresServer")], ids=["valkey", "postgres"]
)
def test_a_server_dies_with_a_killed_owner_and_its_folder_is_swept(module: str, name: str) -> None:
    script = OWNER.format(module=module, name=name)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, directory = owner.stdout.readline().strip().split(";")
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(int(pid)), message="the server outlived its owner")

    ServerFolder().remove()  # or another test process, at the same moment

    eventually(lambda: not Path(directory).exists(), message="the folder was not swept")


def test_the_folder_of_a_living_owner_is_not_swept() -> None:
    living = ServerFolder()
    ServerFolder().remove()

    assert living.path.exists()
    living.remove()


def test_a_server_outlives_the_thread_that_started_it(valkey: ValkeyServer) -> None:
    thread = Thread(target=valkey.restart)
    thread.start()
    thread.join()

    with redis.Redis.from_url(valkey.url) as client:
        assert client.ping()


def test_a_server_that_cannot_start_tells_why(tmp_path: Path) -> None:
    process = ServerProcess([binaries() / "postgres", "--no-such-option"], log=tmp_path / "log")

    with pytest.raises(ServerError, match=r"did not stay up; exit status 1 .*no-such-option"):
        process.wait_until(lambda: False, ignoring=())


def _tables(url: str) -> list[str]:
    engine = create_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()
