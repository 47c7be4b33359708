"""Submitting to workers that run: keys, batches, and the caller's own transaction."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, create_engine, event, make_url, text

from questline_persistence.dialects.sqlite.library import driver
from questline_persistence.errors import ConfigurationError, PayloadError, QuestConflict, QuestFailed, QuestNotFound
from questline_persistence.models import LordStep
from questline_scheduler.client import QuestClient
from questline_scheduler.quest_types import quest_type
from questline_worker.lords import LordContext, lord
from tests.conftest import STORES, migrate
from tests.integration.worker.pools import LONG, Pool, completed, ended, quest, tell
from tests.waiting import eventually


@pytest.fixture
def ran() -> list[str]:
    """The quests whose step has run."""
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(context.quest_id)
        return context.position

    return ran


@pytest.fixture
def own_engine(pool: Pool) -> object:
    """The caller's own engine, with a table of its own, on the same database."""
    url = pool.database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, **({"module": driver()} if url.startswith("sqlite") else {}))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


def test_a_quest_submitted_in_the_callers_transaction_runs_once_that_is_committed(
    pool: Pool, own_engine: Engine, ran: list[str]
) -> None:
    pool.start()
    client = pool.client()
    with own_engine.begin() as connection:
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        handle = client.submit(quest("a"), connection=connection)
        assert handle.created
        assert ran == []
    committed = time.monotonic()
    completed(handle)
    tell(f"done {time.monotonic() - committed:.2f} s after the commit")
    assert ran == [handle.quest_id]


def test_a_quest_submitted_in_a_transaction_that_is_rolled_back_does_not_exist(
    pool: Pool, own_engine: Engine, ran: list[str]
) -> None:
    pool.start()
    client = pool.client()
    with own_engine.connect() as connection:
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        handle = client.submit(quest("a"), connection=connection)
        connection.rollback()
    with pytest.raises(QuestNotFound):
        client.get(handle.quest_id)
    completed(client.submit(quest("a", quest_id="another")))
    assert ran == ["another"]


def test_a_connection_that_commits_each_statement_by_itself_is_refused(pool: Pool, own_engine: Engine) -> None:
    client = pool.client()
    with own_engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        with pytest.raises(ConfigurationError, match="commits each statement by itself"):
            client.submit(quest("a"), connection=connection)
        connection.execute(text("INSERT INTO orders VALUES (1)"))
    with own_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar_one() == 1
    assert client.list() == []


def test_a_connection_to_another_kind_of_database_is_refused(server_pool: Pool) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(ConfigurationError, match="sqlite"):
        server_pool.client().submit(quest("a"), connection=connection)
    engine.dispose()


def _engine(url: str) -> Engine:
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"), **({"module": driver()} if "sqlite" in url else {})
    )


@pytest.mark.parametrize("is_copy", [False, True])
@pytest.mark.parametrize("kind", STORES)
def test_a_connection_to_another_database_is_refused(kind: str, is_copy: bool, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{kind}_url")
    other: str = request.getfixturevalue(f"blank_{kind}_url")
    if is_copy:
        migrate(other)
    engine = _engine(other)
    with QuestClient(url, "memory://") as client:
        for _ in range(2):
            with engine.connect() as connection, pytest.raises(ConfigurationError) as refused:
                client.submit(quest("a"), connection=connection)
            assert str(make_url(other).database) in refused.value.message
            assert client.database.name in refused.value.message
        assert client.list() == []
    engine.dispose()


@pytest.mark.parametrize("kind", STORES)
def test_an_engine_is_asked_once_which_database_it_is_to(kind: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{kind}_url")
    engine, statements = _engine(url), []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    counts = []
    with QuestClient(url, "memory://") as client:
        for _ in range(3):
            with engine.begin() as connection:
                client.submit(quest("a"), connection=connection)
            counts.append(len(statements))
            statements.clear()
        assert len(client.list()) == 3
    engine.dispose()
    assert counts[0] == counts[1] + 1
    assert counts[1] == counts[2]


def test_a_connection_to_the_same_database_by_another_name_is_taken(tmp_path: Path, postgres_url: str) -> None:
    file = tmp_path / "quests.db"
    (tmp_path / "link.db").symlink_to(file)
    by_name = make_url(postgres_url).set(host="localhost").render_as_string(hide_password=False)
    for url, other in ((f"sqlite:///{file}", f"sqlite:///{tmp_path}/link.db"), (postgres_url, by_name)):
        engine = _engine(other)
        with QuestClient(url, "memory://") as client, engine.begin() as connection:
            assert client.submit(quest("a"), connection=connection).created
        engine.dispose()


def test_a_connection_to_another_schema_is_refused(postgres_url: str) -> None:
    engine = _engine(postgres_url)
    with QuestClient(postgres_url, "memory://") as client, engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA other"))
        connection.execute(text("SET LOCAL search_path TO other"))
        with pytest.raises(ConfigurationError, match=r"schema other; the quests are in .*, schema public"):
            client.submit(quest("a"), connection=connection)
    engine.dispose()


@pytest.mark.parametrize("kind", STORES)
def test_a_connection_that_no_longer_sees_the_quests_is_told_without_their_input(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{kind}_url")
    engine = _engine(url)
    with QuestClient(url, "memory://") as client:
        with engine.begin() as connection:
            client.submit(quest("a"), connection=connection)
        with engine.connect() as connection:
            if kind == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # which the driver does not do before an ALTER
            connection.execute(text("ALTER TABLE quest_executions RENAME TO elsewhere"))
            with pytest.raises(ConfigurationError, match="without questline's schema: ") as refused:
                client.submit(quest("a", input_data={"card": "4111"}), connection=connection)
            connection.rollback()
        assert len(client.list()) == 1
    engine.dispose()
    assert "4111" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_store_in_memory_takes_its_own_connection_alone() -> None:
    engine = create_engine("sqlite://", module=driver())
    with QuestClient(":memory:", "memory://") as client:
        with engine.begin() as connection, pytest.raises(ConfigurationError, match="an SQLite database in memory"):
            client.submit(quest("a"), connection=connection)
        with client.database.engine.begin() as connection:
            client.submit(quest("a"), connection=connection)
        assert len(client.list()) == 1
    engine.dispose()


def test_a_connection_through_another_sqlite_library_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'questline.db'}"
    engine = create_engine(url, module=driver())
    other = SimpleNamespace(__name__="another", sqlite_version="3.40.0", connect=None)
    with QuestClient(url) as client, engine.begin() as connection:
        client.submit(quest("a"), connection=connection)
        monkeypatch.setattr(engine.dialect, "dbapi", other)
        with pytest.raises(ConfigurationError) as raised:
            client.submit(quest("a"), connection=connection)
        monkeypatch.undo()
        assert len(client.list(limit=5)) == 0
    engine.dispose()

    assert f"module={driver().__name__}" in raised.value.advice


def test_duratiq_11_two_submissions_with_one_key_are_one_quest(pool: Pool, ran: list[str]) -> None:
    pool.start()
    client = pool.client()
    first = client.submit(quest("a"), idempotency_key="order-7")
    second = client.submit(quest("a"), idempotency_key="order-7")
    assert (first.created, second.created) == (True, False)
    assert first.quest_id == second.quest_id
    completed(second)
    assert client.submit(quest("a"), idempotency_key="order-7").quest_id == first.quest_id
    assert ran == [first.quest_id]


def test_duratiq_11_a_key_used_by_many_threads_at_once_is_one_quest(pool: Pool, ran: list[str]) -> None:
    pool.start()
    clients = [pool.client() for _ in range(4)]
    handles = []
    barrier = threading.Barrier(len(clients))

    def submit(client: object) -> None:
        barrier.wait(LONG)
        handles.append(client.submit(quest("a"), idempotency_key="order-8"))  # type: ignore[attr-defined]

    threads = [threading.Thread(target=submit, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert sorted(handle.created for handle in handles) == [False, False, False, True]
    completed(handles[0])
    assert len(ran) == 1


def test_five_hundred_quests_submitted_together_run_once_each(pool: Pool, ran: list[str]) -> None:
    pool.start(threads=8)
    client = pool.client()
    begun = time.monotonic()
    handles = client.submit_many([quest("a") for _ in range(500)])
    assert len({handle.quest_id for handle in handles}) == 500
    eventually(
        lambda: len(client.list(status="completed", limit=1000)) == len(handles),
        timeout=90,
        message="some are not done",
    )
    tell(f"500 quests in {time.monotonic() - begun:.2f} s")
    assert sorted(ran) == sorted(handle.quest_id for handle in handles)


def test_one_bad_quest_of_many_refuses_them_all(sqlite_pool: Pool) -> None:
    client = sqlite_pool.client()
    bad = {"quest_type": "test", "execution_stack": [{"lord_name": "a", "tool_name": "work"}], "prioritty": 3}
    with pytest.raises(PayloadError, match="prioritty"):
        client.submit_many([quest("a"), bad])
    assert list(client.list()) == []


def test_an_id_that_exists_refuses_its_whole_batch(pool: Pool) -> None:
    client = pool.client()
    client.submit(quest("a", quest_id="taken"))
    with pytest.raises(QuestConflict, match="taken"):
        client.submit_many([quest("a", quest_id="new"), quest("b", quest_id="taken")])
    assert [item.quest_id for item in client.list()] == ["taken"]


def test_a_quest_submitted_by_type_gets_the_steps_of_its_type(pool: Pool, ran: list[str]) -> None:
    @quest_type("relay-race")
    def never(_: dict[str, object]) -> list[LordStep]:
        raise AssertionError("not this one")

    @quest_type("race")
    def race(data: dict[str, object]) -> list[LordStep]:
        return [LordStep("a", "work")] * int(str(data["runners"]))

    pool.start()
    client = pool.client()
    done = completed(client.submit({"quest_type": "race", "input_data": {"runners": 3}}))
    assert len(done.steps) == 3
    assert ran == [done.quest_id] * 3
    with pytest.raises(PayloadError, match="unknown quest type 'rase'") as unknown:
        client.submit({"quest_type": "rase"})
    assert "race" in (unknown.value.hint or "")


def test_a_step_gets_the_defaults_of_its_lord_when_it_is_submitted(sqlite_pool: Pool) -> None:
    @lord("careful", "work", timeout=7, max_attempts=9)
    def work(_: LordContext) -> None: ...

    client = sqlite_pool.client()
    data = client.submit(quest(LordStep("careful", "work"), LordStep("careful", "work", max_attempts=2))).get()
    assert [(step.timeout_seconds, step.max_attempts) for step in data.execution_stack] == [(7, 9), (7, 2)]


def test_waiting_tells_that_a_quest_was_cancelled_or_is_paused(sqlite_pool: Pool) -> None:
    client = sqlite_pool.client()
    handle = client.submit(quest("a"))
    with pytest.raises(TimeoutError, match="still new"):
        handle.wait(0.05)
    client.pause(handle.quest_id, "lunch")
    with pytest.raises(QuestFailed, match="is paused: lunch") as paused:
        handle.wait(LONG)
    assert paused.value.status == "paused"
    client.cancel(handle.quest_id, "enough")
    with pytest.raises(QuestFailed, match="is cancelled: enough"):
        handle.wait(LONG)


def test_waiting_for_a_quest_that_does_not_exist_is_an_error_at_once(sqlite_pool: Pool) -> None:
    with pytest.raises(QuestNotFound):
        sqlite_pool.client().wait("nobody", 5)


def test_a_quest_ends_as_failed_for_those_who_wait_elsewhere(pool: Pool) -> None:
    @lord("broken", "work", max_attempts=1)
    def work(_: LordContext) -> None:
        raise ValueError("dry")

    pool.start()
    client = pool.client()
    handle = client.submit({"quest_type": "t", "execution_stack": [{"lord_name": "broken", "tool_name": "work"}]})
    ended(client, handle.quest_id, "failed")
    with pytest.raises(QuestFailed, match="dry"):
        pool.client().wait(handle.quest_id, 5)


def test_a_rollback_of_a_caller_who_wrote_nothing_else_leaves_no_quest_on_sqlite(sqlite_pool: Pool) -> None:
    """Python's own driver begins no transaction before a SAVEPOINT; releasing that would commit."""
    client = sqlite_pool.client()
    engine = create_engine(sqlite_pool.database_url)
    with engine.connect() as connection, connection.begin() as transaction:
        handle = client.submit(quest("a"), connection=connection)
        transaction.rollback()
    engine.dispose()

    with pytest.raises(QuestNotFound):
        client.get(handle.quest_id)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_idempotency_key_that_says_nothing_or_too_much_is_refused(sqlite_pool: Pool, key: str) -> None:
    with pytest.raises(PayloadError, match="idempotency"):
        sqlite_pool.client().submit(quest("a"), idempotency_key=key)
