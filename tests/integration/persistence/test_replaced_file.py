"""A store's file that is deleted or replaced while it is open takes no quest that nobody else would see."""

import threading
from pathlib import Path

import pytest

from questline import LordStep, Quest, QuestClient, QuestRepository, StoreUnavailable
from questline_persistence.dialects import execute
from questline_persistence.store import Database

COUNT = "SELECT count(*) FROM counts"
WRITE = "INSERT INTO counts VALUES ('n', 'here', 1)"


@pytest.fixture
def path(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


def delete(path: Path) -> None:
    """Delete the store with all that stands beside it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def replace(path: Path) -> None:
    """Put an empty store in the place of another."""
    delete(path)
    QuestClient(path, "memory://").close()


def quest() -> Quest:
    return Quest(quest_type="t", execution_stack=[LordStep("a", "b")])


def test_a_client_goes_on_in_the_file_that_took_the_place_of_its_own(sqlite_url: str, path: Path) -> None:
    with QuestClient(sqlite_url, "memory://") as client:
        client.submit(quest())
        replace(path)
        assert client.list() == []
        replace(path)
        made = client.submit(quest())
        with QuestRepository(sqlite_url) as others:
            assert [one.quest_id for one in others.list_quests()] == [made.quest_id]


def test_a_client_whose_file_was_deleted_says_so_and_makes_none(sqlite_url: str, path: Path) -> None:
    with QuestClient(sqlite_url, "memory://") as client:
        client.submit(quest())
        delete(path)
        for call in (client.list, lambda: client.submit(quest())):
            with pytest.raises(StoreUnavailable, match="was deleted while this process had it open"):
                call()
        assert not path.exists()


def test_a_kept_connection_that_was_lent_meanwhile_is_not_used_again(sqlite_url: str, path: Path) -> None:
    database = Database(sqlite_url)
    lent, go = threading.Event(), threading.Event()

    def slowly(_: object) -> None:
        lent.set()
        go.wait()

    late = threading.Thread(target=lambda: database.statement(slowly, at="claim", alone=True))
    late.start()
    lent.wait()
    replace(path)
    assert database.read(lambda connection: execute(connection, COUNT)) == [(0,)]
    go.set()
    late.join()
    database.statement(lambda connection: execute(connection, WRITE), at="claim", alone=True)
    other = Database(sqlite_url)
    assert other.read(lambda connection: execute(connection, COUNT)) == [(1,)]
    other.close()
    database.close()


def test_a_store_that_was_closed_may_be_deleted_and_begun_anew(sqlite_url: str, path: Path) -> None:
    database = Database(sqlite_url)
    database.statement(lambda connection: execute(connection, WRITE), at="claim", alone=True)
    database.close()
    delete(path)
    assert database.read(lambda connection: execute(connection, "SELECT 1")) == [(1,)]
    database.close()
