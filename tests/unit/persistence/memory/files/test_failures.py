"""What may go wrong with files: it is told in our words, and what was saved before stays."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from questline_persistence.errors import (
    ConfigurationError,
    NotAllowed,
    PayloadError,
    QuestlineError,
    StoreUnavailable,
)
from questline_persistence.memory.files import FileStateManager, FileTodoListManager, folder
from tests.contract.memory.sessions.managers import wait

MOUNT = "mount it for writing, or name another folder"
RIGHTS = "grant this user the right to read and write the folder and its files"


@pytest.fixture
def states(tmp_path: Path) -> FileStateManager:
    """A manager with one saved session."""
    manager = FileStateManager(tmp_path / "memory")
    wait(manager.save_state("s1", {"n": 1}))
    return manager


def _failing(number: int) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def _file_of(tmp_path: Path) -> Path:
    """Return the file of the one session."""
    (path,) = (tmp_path / "memory" / "sessions").iterdir()
    return path


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StoreUnavailable("there is no space left in FOLDER", hint="free some, then try again")),
        (errno.EDQUOT, StoreUnavailable("there is no space left in FOLDER", hint="free some, then try again")),
        (errno.EROFS, NotAllowed("FOLDER is on a file system that is read-only", hint=MOUNT)),
        (errno.EACCES, NotAllowed("this user may not use FOLDER", hint=RIGHTS)),
        (errno.EIO, StoreUnavailable("Input/output error (FOLDER)")),
    ],
)
@pytest.mark.parametrize("call", ["os.open", "os.fsync"])
def test_a_save_that_the_file_system_refuses_is_told_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: QuestlineError
) -> None:
    states = FileStateManager(tmp_path / "memory")
    wait(states.save_state("s1", {"n": 1}))
    with monkeypatch.context() as patched:
        patched.setattr(call, _failing(number))
        with pytest.raises(type(error)) as raised:
            wait(states.save_state("s1", {"n": 2}))

    told = error.message.replace("FOLDER", str(tmp_path / "memory"))
    assert raised.value.message == f"cannot save the state of session s1: {told}"
    assert raised.value.hint == error.hint
    found = wait(states.load_with_version("s1"))
    assert found is not None
    assert (found.version, found.state_data) == (1, {"n": 1})
    assert _file_of(tmp_path).suffix == ".json"  # and nothing is left beside it
    assert wait(states.save_state("s1", {"n": 2})) == 2


def test_a_folder_that_others_keep_locked_is_told_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder.Folder.__init__, "__kwdefaults__", {"patience": 0.01})
    states = FileStateManager(tmp_path)
    descriptor = os.open(tmp_path / folder.LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(StoreUnavailable, match="cannot save the state of session s1: others have been writing"):
        wait(states.save_state("s1", {}))
    assert wait(states.load_state("s1")) is None  # whoever reads needs no lock

    os.close(descriptor)
    assert wait(states.save_state("s1", {})) == 1


def test_what_a_process_did_not_finish_is_written_over(states: FileStateManager, tmp_path: Path) -> None:
    path = _file_of(tmp_path)
    path.with_name(f"{path.name}.new").write_text('{"half": ')
    assert wait(states.list_sessions()) == ["s1"]
    assert wait(states.save_state("s1", {"n": 2})) == 2
    assert _file_of(tmp_path) == path


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", "\ud800", '{"a": 1}', "1", '{"namespace": 1}', "[" * 100_000],
)
def test_a_file_that_is_not_as_it_was_written_is_told_with_its_path(
    states: FileStateManager, tmp_path: Path, content: str
) -> None:
    path = _file_of(tmp_path)
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    calls = {
        "cannot load the state of session s1": lambda: states.load_state("s1"),
        "cannot save the state of session s1": lambda: states.save_state("s1", {}),
        "cannot delete the state of session s1": lambda: states.delete_state("s1"),
        "cannot list the sessions": states.list_sessions,
    }
    for tried, call in calls.items():
        with pytest.raises(PayloadError, match=f"^{tried}: {path} is not as questline wrote it"):
            wait(call())


@pytest.mark.parametrize(
    ("field", "value"), [("version", '"1"'), ("version", "true"), ("created_at", "1"), ("body", "[]")]
)
def test_a_field_that_cannot_be_is_told_too(states: FileStateManager, tmp_path: Path, field: str, value: str) -> None:
    path = _file_of(tmp_path)
    head, _, tail = path.read_text().partition(f'"{field}":')
    rest = "}" if field == "body" else tail[tail.index(",") :]
    path.write_text(f'{head}"{field}":{value}{rest}')
    with pytest.raises(PayloadError, match="is not as questline wrote it"):
        wait(states.load_state("s1"))


def test_a_file_in_the_place_of_another_is_refused(states: FileStateManager, tmp_path: Path) -> None:
    first = _file_of(tmp_path)
    wait(states.save_state("s2", {}))
    (second,) = set(first.parent.iterdir()) - {first}
    first.replace(second)
    with pytest.raises(PayloadError, match="cannot load the state of session s2"):
        wait(states.load_state("s2"))


def test_a_file_may_be_laid_out_anew_by_hand(states: FileStateManager, tmp_path: Path) -> None:
    path = _file_of(tmp_path)
    path.write_text(path.read_text().replace(",", ",\n  ") + "\n")
    assert wait(states.load_state("s1")) == {"n": 1}


def test_a_folder_that_can_be_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "memory", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigurationError, match=r"cannot save the state of session s1: .* can be no folder"):
            wait(FileStateManager(path).save_state("s1", {}))


@pytest.mark.parametrize("path", ["", "a\0b", None, 7, b"memory"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(PayloadError, match="folder"):
        FileStateManager(path)


def test_a_folder_stays_where_it_is_when_the_process_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    todos = FileTodoListManager("memory")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    wait(todos.save_todolist("t1", "s1", []))
    assert [path.name for path in (tmp_path / "memory").iterdir() if path.is_dir()] == ["todo_lists"]


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    states = FileStateManager(tmp_path / "memory")
    assert wait(states.load_state("s1")) is None
    assert wait(states.list_sessions()) == []
    assert [*tmp_path.iterdir()] == []


def test_a_name_that_nobody_can_read_is_quoted_and_cut(tmp_path: Path) -> None:
    states = FileStateManager(tmp_path / "memory")
    with pytest.raises(QuestlineError, match=r"session 'a\\nx{90,}…: there is none$"):
        wait(states.delete_state("a\n" + "x" * 250))


def test_times_never_go_back_with_the_clock(states: FileStateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    before = wait(states.load_with_version("s1"))
    monkeypatch.setattr("time.time", lambda: 1.0)
    wait(states.save_state("s1", {}))
    after = wait(states.load_with_version("s1"))
    assert before is not None
    assert after is not None
    assert (after.version, after.timestamp) == (2, before.timestamp)


def test_managers_are_closed_with_what_they_are_used_in(tmp_path: Path) -> None:
    async def used() -> list[str]:
        async with FileStateManager(tmp_path) as states:
            await states.save_state("s1", {})
            return await states.list_sessions()

    assert wait(used()) == ["s1"]
    with FileStateManager(tmp_path) as states:
        assert wait(states.load_state("s1")) == {}
