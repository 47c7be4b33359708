"""Every mistake that a user can make ends with its exit code, one message, and an unchanged store."""

from urllib.parse import urlsplit

import psycopg
import pytest

from tests.acceptance.cli.conftest import SCRIPT, Shell
from tests.servers.account import Account, unprivileged_account

#: How large the input is that nobody should submit, in bytes.
HUGE = 20_000_000


def assert_refused(shell: Shell, code: int, said: str, *words: object, stdin: bytes = b"") -> None:
    """Run a command that is a mistake, and look at its exit code, its message, and the store before and after."""
    before = shell.rows()
    ended = shell(*words, stdin=stdin)

    assert ended.code == code, ended
    assert "Traceback" not in ended.err
    if "json" in words:
        assert set(ended.data["error"]) == {"code", "message", "hint"}
        assert said in str(ended.data["error"])
    else:
        assert ended.out == ""
        assert ended.err.startswith("Error: ")
        assert said in ended.err
    assert shell.rows() == before


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (4, "missing", ("show", "missing")),
        (2, "unknown quest type", ("submit", "--type", "unheard-of", "-o", "json")),
        (2, "No such file", ("submit", "missing.yaml")),
        (2, "sleeping", ("list", "--status", "sleeping", "-o", "json")),
        (2, "not JSON", ("submit", "quest.json", "--input", '{"a": ')),
        (2, "no_such_module", ("worker", "no_such_module", "-o", "json")),
        (7, "mysql", ("list", "--database-url", "mysql://host/x")),
        (7, "neither a URL nor a path", ("submit", "quest.json", "--database-url", "host=db dbname=x password=s3cret")),
        (3, "unable to open", ("list", "--database-url", ".", "-o", "json")),
        (3, "unable to open", ("list", "--database-url", "quest.json/x.db")),
        (2, "No such option", ("show", "alpha", "--colour", "-o", "json")),
    ],
)
def test_a_mistake_has_its_exit_code(shell: Shell, code: int, said: str, words: tuple[str, ...]) -> None:
    assert_refused(shell, code, said, *words)


def test_a_store_that_is_down_is_said_to_be_down_without_its_password(shell: Shell) -> None:
    ended = shell("submit", "quest.json", DATABASE_URL="postgresql://me:secret@127.0.0.1:1/x")

    assert ended.code == 3
    assert "127.0.0.1" in ended.err
    assert "secret" not in ended.err + ended.out


def test_a_huge_input_is_refused_at_once(shell: Shell) -> None:
    quest = b'{"quest_type": "x", "execution_stack": [{"lord_name": "a", "tool_name": "b"}], "input_data": {"x": "'
    huge = quest + b"y" * HUGE + b'"}}'

    assert_refused(shell, 2, "larger than", "submit", "-", stdin=huge)
    assert_refused(shell, 2, "larger than", "submit", "quest.json", "--input", "-", "-o", "json", stdin=huge)


def test_a_file_that_is_no_database_is_left_alone(shell: Shell) -> None:
    file = shell.folder / "notes.txt"
    file.write_text("not a database, but my notes\n" * 100)

    assert_refused(shell, 3, "notes.txt", "list", "--database-url", file)
    assert file.read_text() == "not a database, but my notes\n" * 100


@pytest.fixture
def account() -> Account:
    """Somebody who may not do everything: root may write anywhere, so root runs the command as nobody."""
    return unprivileged_account(SCRIPT)


@pytest.mark.parametrize("locked", ["file", "folder", "new"])
def test_a_forbidden_database_file_is_said_to_be_forbidden(shell: Shell, account: Account, locked: str) -> None:
    assert_locked = shell.folder / "locked"
    assert_locked.mkdir()
    file = assert_locked / "questline.db"
    if locked != "new":
        file.write_bytes(shell.database.read_bytes())
    place = file if locked == "file" else assert_locked
    place.chmod(0o444 if locked == "file" else 0o555)
    if account.user is not None:  # pragma: no cover  (where user namespaces are forbidden)
        shell.folder.chmod(0o755)

    command = (*account.prefix, SCRIPT)
    ended = shell("list", "--database-url", file, "-o", "json", program=command, PYTHONDONTWRITEBYTECODE="1")

    assert ended.code == 6, ended
    assert ended.data["error"]["code"] == "not_allowed"
    assert str(place) in ended.data["error"]["message"]


def test_postgresql_is_refused_until_it_is_upgraded(shell: Shell, blank_postgres_url: str) -> None:
    url = {"QUESTLINE_DATABASE_URL": blank_postgres_url}

    for words in (("submit", "quest.json"), ("worker", "examples.codebase_review"), ("doctor",)):
        ended = shell(*words, "-o", "json", **url)
        assert ended.code == 7, ended
        assert "questline db upgrade" in ended.out
    assert _tables(blank_postgres_url) == set()

    assert shell("db", "upgrade", **url).code == 0
    assert shell("db", "check", **url).code == 0
    assert shell("submit", "quest.json", "--id", "alpha", **url).out == "alpha\n"
    assert shell("doctor", "-o", "json", **url).data["ok"] is True

    _set_revision(blank_postgres_url, "0000")
    old = shell("show", "alpha", "-o", "json", **url)
    assert (old.code, old.data["error"]["hint"]) == (7, "run: questline db upgrade")
    _set_revision(blank_postgres_url, "9999")
    newer = shell("show", "alpha", "-o", "json", **url)
    assert (newer.code, "upgrade questline" in newer.out) == (7, True)


def test_a_downgrade_asks_first_and_drift_is_found(shell: Shell, postgres_url: str) -> None:
    url = {"QUESTLINE_DATABASE_URL": postgres_url}
    with psycopg.connect(_plain(postgres_url)) as connection:
        connection.execute("ALTER TABLE quest_executions ADD COLUMN extra text")

    drifted = shell("db", "check", "-o", "json", **url)
    unasked = shell("db", "downgrade", "base", **url)
    done = shell("db", "downgrade", "base", "-y", "-o", "json", **url)

    assert (drifted.code, "extra" in drifted.out) == (7, True)
    assert unasked.code == 2
    assert (done.code, done.data["revision"]) == (0, None)
    assert _tables(postgres_url) <= {"questline_version"}


def test_quests_are_accepted_while_the_broker_is_down(shell: Shell) -> None:
    ended = shell("submit", "quest.json", "--id", "alpha", REDIS_URL="redis://127.0.0.1:1/0")

    assert (ended.code, ended.out) == (0, "alpha\n")


def _plain(url: str) -> str:
    return urlsplit(url)._replace(scheme="postgresql").geturl()


def _tables(url: str) -> set[str]:
    with psycopg.connect(_plain(url)) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return {name for (name,) in connection.execute(query)}


def _set_revision(url: str, revision: str) -> None:
    with psycopg.connect(_plain(url)) as connection:
        connection.execute("UPDATE questline_version SET version_num = %s", (revision,))
