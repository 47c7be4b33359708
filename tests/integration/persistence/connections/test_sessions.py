"""What sessions of PostgreSQL rely on: their own settings, whatever the administrator's defaults are or become."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from questline_persistence import schema
from questline_persistence.dialects import execute
from questline_persistence.dialects.store_errors import StoreRefused
from questline_persistence.errors import (
    ConfigurationError,
    NotAllowed,
    PayloadError,
    QuestlineError,
    StoreUnavailable,
)
from questline_persistence.secret_files import read_secret
from questline_persistence.store import Database, retrying
from tests.contract.quests import LONG, Workbench
from tests.waiting import eventually

#: Defaults that an administrator may give to a role or a database, each of which would break us or slow us down.
DEFAULTS = {
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "20",
    "lock_timeout": "20",
    "idle_in_transaction_session_timeout": "20",
    "transaction_timeout": "20",
    "synchronous_commit": "off",
    "search_path": "",
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "array_nulls": "off",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "jit": "on",
    "plan_cache_mode": "force_custom_plan",
    "row_security": "off",
}
SHOWN = """
SELECT current_setting('transaction_isolation'), current_setting('synchronous_commit'), current_schema(),
  current_setting('TimeZone'), current_setting('lock_timeout'), current_setting('statement_timeout')
"""


def default(url: str, name: str, value: str) -> None:
    """Give the database's sessions a default, from the next one on."""
    with psycopg.connect(url, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name), sql.Literal(value))
        )


def administer(url: str, statement: str) -> None:
    """Run one statement as the administrator."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(statement.encode())


def lead_a_life(bench: Workbench) -> None:
    """Do what clients, workers and loops do."""
    quest_id = bench.submit("a", "b", input_data={"text": "ä 😀 \\ '"})
    bench.advance(quest_id, {"a": 1})
    bench.controls.pause(quest_id)
    bench.controls.resume(quest_id)
    bench.finish(bench.claim(quest_id), "b", "c")
    bench.fail(quest_id, "no 😀")
    bench.controls.retry(quest_id)
    bench.replay(quest_id, "a")
    bench.claim(quest_id, bench.worker(lease=0.1))
    bench.clock.advance(LONG)
    bench.sweep.run()
    bench.bells.due()
    bench.fork(quest_id)
    assert bench.repository.load_quest(quest_id).input_data == {"text": "ä 😀 \\ '"}
    bench.check()


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Database]:
    database = Database(url, **options)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def bench_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Workbench]]:
    """A function that opens a workbench, whose sessions may be shared by a pooler."""
    benches: list[Workbench] = []

    def open_one(url: str, pooler: str = "auto") -> Workbench:
        monkeypatch.setattr("tests.contract.quests.Database", lambda url: Database(url, pooler=pooler))
        benches.append(Workbench(url))
        return benches[-1]

    yield open_one
    for bench in benches:
        bench.close()


@pytest.mark.parametrize("pooler", ["auto", "transaction"])
@pytest.mark.parametrize("name", DEFAULTS)
def test_no_default_of_the_administrator_gets_in_the_way(
    bench_on: Callable[..., Workbench], blank_postgres_url: str, name: str, pooler: str
) -> None:
    try:
        default(blank_postgres_url, name, DEFAULTS[name])
    except psycopg.errors.UndefinedObject:
        assert name == "transaction_timeout"  # this server is older than that
    schema.upgrade(blank_postgres_url)

    lead_a_life(bench_on(blank_postgres_url, pooler))


@pytest.mark.parametrize("pooler", ["auto", "transaction"])
def test_each_transaction_runs_as_we_say_on_first_use_and_after_a_reset(postgres_url: str, pooler: str) -> None:
    for name, value in DEFAULTS.items():
        if name != "transaction_timeout":
            default(postgres_url, name, value)

    def shown(database: Database) -> list[tuple[Any, ...]]:
        written = database.write(lambda own: tuple(own.exec_driver_sql(SHOWN).one()), at="count")
        read = database.read(lambda own: tuple(own.exec_driver_sql(SHOWN).one()))
        sent = [
            database.statement(lambda own: execute(own, SHOWN)[0], at="claim", alone=alone) for alone in (False, True)
        ]
        return [written, read, *sent]

    expected = [
        ("read committed", "on", "public", "UTC", "10s", "0"),
        ("repeatable read", "on", "public", "UTC", "10s", "0"),
        ("read committed", "on", "public", "UTC", "2s", "3s"),
        ("read committed", "on", "public", "UTC", "2s", "1min"),
    ]
    with opened(postgres_url, pooler=pooler) as database:
        assert shown(database) == expected
        with database.engine.connect() as connection:
            execute(connection.execution_options(isolation_level="AUTOCOMMIT"), "DISCARD ALL")
        assert shown(database) == expected


def test_what_the_url_asks_for_is_asked_for_besides(postgres_url: str) -> None:
    administer(postgres_url, "CREATE SCHEMA mine")
    with opened(f"{postgres_url}?options=-csearch_path=mine&application_name=theirs") as database:
        query = "SELECT current_schema(), current_setting('application_name'), current_setting('TimeZone')"
        assert database.read(lambda own: tuple(own.exec_driver_sql(query).one())) == ("mine", "theirs", "UTC")


def test_a_stronger_wait_for_replicas_stays(postgres_url: str) -> None:
    default(postgres_url, "synchronous_commit", "remote_apply")
    with opened(postgres_url) as database:
        assert database.read(lambda own: own.exec_driver_sql("SHOW synchronous_commit").scalar_one()) == "remote_apply"


def test_a_conflict_found_at_commit_is_tried_again_and_never_called_uncertain(postgres_url: str) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END $$"
        )
        if len(tries) == 1:
            connection.exec_driver_sql(
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()"
            )
        connection.exec_driver_sql("INSERT INTO late VALUES (1)")

    with opened(postgres_url) as database:
        database.write(work, repeatable=False)
    assert len(tries) == 2


@pytest.mark.parametrize("pooler", ["auto", "transaction"])
def test_a_table_that_is_altered_under_running_workers_costs_no_error(
    bench_on: Callable[..., Workbench], postgres_url: str, pooler: str
) -> None:
    bench = bench_on(postgres_url, pooler)
    query = "SELECT * FROM counts"
    for _ in range(8):  # long enough for the driver to prepare its statements
        bench.advance(bench.submit("a"), 1)
        bench.database.read(lambda own: own.exec_driver_sql(query).all())
        bench.database.statement(lambda own: execute(own, query), at="claim")
    administer(postgres_url, "ALTER TABLE counts ADD COLUMN more text, ALTER COLUMN name TYPE varchar(99)")
    administer(postgres_url, "ALTER TABLE tickets ADD COLUMN more text")

    bench.database.read(lambda own: own.exec_driver_sql(query).all())
    bench.database.statement(lambda own: execute(own, query), at="claim")
    bench.advance(bench.submit("a"), 1)


def test_sessions_that_a_failover_left_read_only_are_replaced(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        change = "UPDATE counts SET number = number"

        def write() -> None:
            database.write(lambda own: own.exec_driver_sql(change), at="count")
            database.statement(lambda own: execute(own, change), at="claim")

        write()
        for held in (database.engine.connect(), database.engine.connect()):
            with held as connection:
                own = connection.execution_options(isolation_level="AUTOCOMMIT")
                execute(own, "SET default_transaction_read_only = on")
        database.statement(lambda own: execute(own, "SET default_transaction_read_only = on"), at="claim")
        write()


def test_a_role_that_may_not_is_told_so_in_a_line(postgres_url: str) -> None:
    role = f"{conninfo_to_dict(postgres_url)['dbname']}_role"
    administer(postgres_url, f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    try:
        known = make_url(postgres_url).set(username=role, password="x")  # noqa: S106  (gone in a moment)
        with opened(known.render_as_string(hide_password=False)) as database:
            with pytest.raises(NotAllowed) as raised:
                schema.current(database)
            with pytest.raises(NotAllowed):
                schema.migrate(database)
    finally:
        administer(postgres_url, f"DROP ROLE {role}")

    assert "\n" not in raised.value.advice
    assert "GRANT" in raised.value.advice
    assert "SELECT version_num" not in raised.value.advice


def test_values_stay_out_of_every_error(postgres_url: str) -> None:
    number = "4111-1111"
    administer(postgres_url, "ALTER TABLE counts ADD CHECK (name <> '4111-1111')")
    insert = f"INSERT INTO counts (namespace, name, number) VALUES ('default', '{number}', 1)"
    bound = insert.replace(f"'{number}'", "%(name)s")
    with opened(postgres_url) as database:
        ways: list[Callable[[], object]] = [
            lambda: database.write(lambda own: own.exec_driver_sql(bound, {"name": number}), at="count"),
            lambda: database.statement(lambda own: execute(own, bound, {"name": number}), at="claim"),
        ]
        for way in ways:
            with pytest.raises(DBAPIError) as raised:
                way()
            assert number not in str(raised.value)
            assert number not in str(raised.value.orig)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 FROM nowhere", ConfigurationError),
        ("SELECT nothing FROM counts", ConfigurationError),
        ("SELECT 1 / 0", PayloadError),
        ("DO $$ BEGIN RAISE EXCEPTION 'somebody else''s trigger'; END $$", StoreRefused),
    ],
)
def test_what_the_store_refuses_is_an_error_of_ours(
    postgres_url: str, statement: str, error: type[QuestlineError]
) -> None:
    with opened(postgres_url) as database, pytest.raises(error) as raised:
        database.write(lambda own: own.exec_driver_sql(statement), at="count")

    assert type(raised.value) is error
    assert "\n" not in raised.value.advice


@pytest.mark.parametrize("option", ["sslmode=sometimes", "connect_timeout=soon", "options=-cnonsense_setting=1"])
def test_an_option_with_a_value_that_is_none_is_a_mistake_in_the_configuration(postgres_url: str, option: str) -> None:
    with opened(f"{postgres_url}?{option}") as database, pytest.raises(ConfigurationError) as raised:
        database.read(lambda own: own.exec_driver_sql("SELECT 1"))

    assert raised.value.hint


def test_the_first_of_several_hosts_that_answers_is_used(postgres_url: str) -> None:
    known = conninfo_to_dict(postgres_url)
    several = f"postgresql://{known['user']}@127.0.0.1:1,{known['host']}:{known['port']}/{known['dbname']}"

    with opened(f"{several}?target_session_attrs=read-write") as database:
        assert database.read(lambda own: own.exec_driver_sql("SELECT 1").scalar_one()) == 1


def test_a_password_file_is_read_again_when_a_session_is_opened(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "RETRY_LONGEST", 0.05)
    file = tmp_path / "url"
    file.write_text(f"{postgres_url}_gone\n")
    with opened(read_secret(str(file)), patience=30) as database, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(database.read, lambda own: own.exec_driver_sql("SELECT 1").scalar_one())
        eventually(lambda: database._engine is not None)
        file.write_text(postgres_url)

        assert asked.result(30) == 1


def test_a_store_that_cannot_be_reached_is_still_that(postgres_url: str) -> None:
    with opened(f"{postgres_url}_gone", patience=0.1) as database, pytest.raises(StoreUnavailable):
        database.read(lambda own: own.exec_driver_sql("SELECT 1"))


def test_a_database_that_is_not_utf8_is_refused(postgres_url: str, blank_postgres_url: str) -> None:
    name = f"{conninfo_to_dict(blank_postgres_url)['dbname']}_latin"
    administer(postgres_url, f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with pytest.raises(ConfigurationError, match="LATIN1") as raised:
            schema.upgrade(make_url(postgres_url).set(database=name).render_as_string(hide_password=False))
    finally:
        administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")

    assert "UTF8" in raised.value.advice
