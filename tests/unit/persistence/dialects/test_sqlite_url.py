"""What a database setting means when it is SQLite's: the named file to the letter, or an error."""

from pathlib import Path

import pytest

from questline import ConfigurationError, QuestClient, QuestRepository
from questline_persistence.dialects import parse_url
from questline_persistence.store import Database

NAMES = ("a b.db", "a%20b.db", "what?.db", "100%.db", "a#b.db", "a+b.db", "ü.db", "file:x.db", "$5.db", "a&b=c.db")


@pytest.mark.parametrize("name", NAMES)
def test_a_url_and_a_path_name_their_file_to_the_letter(tmp_path: Path, name: str) -> None:
    for text in (f"sqlite:///{tmp_path}/{name}", f"{tmp_path}/{name}", tmp_path / name):
        assert not list(tmp_path.iterdir())
        with QuestRepository(text) as repository:
            assert repository.database.name == f"sqlite:///{tmp_path}/{name}"
            assert (tmp_path / name).is_file()
            assert all(file.name.startswith(name) for file in tmp_path.iterdir())
        for file in tmp_path.iterdir():
            file.unlink()


@pytest.mark.parametrize("name", ["what?x=1.db", "${x}.db", "host=x", "a:b@c"])
def test_a_path_object_is_always_a_path(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with QuestClient(Path(name), "memory://"):
        assert (tmp_path / name).is_file()


@pytest.mark.parametrize(
    "text",
    [
        "host=db.internal dbname=quests user=app password=s3cret",
        "dbname = quests password = s3cret",
        "Server=db;Password=s3cret",
        "db.internal:5432",
        "db.internal:5432/quests",
        "app:s3cret@db.internal/quests",
        "app:s3cret@db.internal",
        "app@db.internal/s3cret",
        "//app:s3cret@db.internal/quests",
        "postgresql:quests?password=s3cret",
        "sqlite:s3cret.db",
        "${DATABASE_URL:-s3cret}",
        "$DATABASE_URL",
        "{{ database_url }}",
        "sqlite:///${HOME}/s3cret.db",
        "sqlite:///$HOME/s3cret.db",
        "",
        " ",
        "sqlite://s3cret.db",
        "sqlite:///x.db?password=s3cret",
        "sqlite:///x.db?mode=ro&uri=true",
        "sqlite:///file:s3cret.db?mode=memory",
        "jdbc:sqlite://s3cret",
        "QUESTLINE_DATABASE_URL=postgresql://app:s3cret@db/x",
    ],
)
def test_what_is_neither_a_path_nor_a_url_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Database(text)
    assert "s3cret" not in raised.value.advice
    assert raised.value.hint


@pytest.mark.parametrize("text", [":memory:", "sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_an_in_memory_store_has_several_spellings(text: str) -> None:
    assert parse_url(text).database == ":memory:"


@pytest.mark.parametrize("text", ["./host=x", "./a:b.db", "./a@b/c.db", "a@b.db", "folder/a:b.db", "a b/c=d.db"])
def test_a_path_may_hold_what_a_url_holds(text: str) -> None:
    assert parse_url(text).database == text
