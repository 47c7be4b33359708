"""How the program behaves among others: pipes, signals, terminals, shells."""

import os
import pty
import signal
import subprocess
import sys
import time

from tests.acceptance.cli.conftest import SCRIPT, TIMEOUT, Shell
from tests.waiting import eventually

COMMANDS = [
    *("submit", "list", "show", "runs", "snapshots", "wait", "pause", "resume", "cancel", "retry", "replay", "fork"),
    *("stats", "lords", "delete", "prune", "worker", "scheduler", "dev", "demo", "workers", "doctor", "version"),
    *("context list", "context show", "context search", "context versions"),
    *("state list", "state show", "state search", "state versions", "state history", "state snapshots"),
    *("state restore", "state purge", "state diff", "state adopt", "event list", "event show", "event search"),
    *("todo list", "todo show", "todo search", "todo versions", "memory list", "memory show", "memory search"),
    *("db upgrade", "db downgrade", "db current", "db history", "db check", "config show"),
]


def test_every_command_has_help_with_an_example_and_the_shared_options(shell: Shell) -> None:
    code = (
        "from questline.cli import main\n"
        f"for words in {COMMANDS!r}:\n"
        "    print('=====', words, flush=True)\n"
        "    assert main([*words.split(), '-h']) == 0\n"
    )
    ended = shell("-c", code, program=(sys.executable,), COLUMNS="200")
    pages = ended.out.split("===== ")[1:]

    assert ended.code == 0, ended.err
    assert len(pages) == len(COMMANDS)
    for page, words in zip(pages, COMMANDS, strict=True):
        assert "Example" in page, words
        assert f"questline {words}" in page.split("Example")[1], words
        for option in ("--output", "-o", "--profile", "--database-url", "--broker-url", "--namespace", "--help", "-h"):
            assert option in page, words


def test_a_closed_pipe_ends_a_list_quietly(shell: Shell) -> None:
    shell("submit", "quest.json")
    reader, writer = os.pipe()
    os.close(reader)

    for words in (("list",), ("list", "-o", "json")):
        ended = subprocess.run(
            [SCRIPT, *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=shell.folder,
            env=shell.environment,
            check=False,
        )
        assert ended.stderr == b"", words
        assert ended.returncode == 0, words
    os.close(writer)


def test_ctrl_c_ends_a_wait_without_a_traceback(shell: Shell) -> None:
    shell("submit", "quest.json")
    process = shell.start("wait", "@last")
    assert process.stderr is not None
    line = process.stderr.readline()  # it is waiting now

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)

    assert line == b"new 0/2\n"
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert out == b""


def test_scheduler_stops_at_sigterm(shell: Shell, redis_url: str) -> None:
    process = shell.start("scheduler", QUESTLINE_BROKER_URL=redis_url, QUESTLINE_LOG_LEVEL="debug")
    eventually(lambda: _handles(process.pid, signal.SIGTERM), timeout=TIMEOUT, message="it never got ready")

    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=TIMEOUT)

    assert process.returncode == 0, err


def test_a_terminal_gets_colours_unless_they_are_unwanted(shell: Shell) -> None:
    shell("submit", "quest.json")

    assert b"\x1b[1m" in _on_a_terminal(shell, {"TERM": "xterm"})
    assert b"\x1b[3" not in _on_a_terminal(shell, {"TERM": "xterm", "NO_COLOR": "1"})


def test_ids_and_statuses_are_completed_in_the_shell(shell: Shell) -> None:
    shell("submit", "quest.json", "--id", "alpha")

    def offered(line: str, **environment: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        ended = shell(**words, _QUESTLINE_COMPLETE="complete_bash", **environment)
        assert ended.err == ""
        return ended.out.split()

    assert offered("questline show al") == ["alpha"]
    assert offered("questline list --status ca") == ["cancelled"]
    assert offered("questline pa") == ["pause"]
    assert offered("questline state show pl") == []
    assert offered("questline show al", QUESTLINE_DATABASE_URL="postgresql://127.0.0.1:1/x") == []
    assert offered("questline show al", QUESTLINE_DATABASE_URL="sqlite:///elsewhere.db") == []
    assert not (shell.folder / "elsewhere.db").exists()


def test_completion_for_the_shell_can_be_shown(shell: Shell) -> None:
    ended = shell("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    assert (ended.code, "_QUESTLINE_COMPLETE" in ended.out) == (0, True)


def test_a_narrow_screen_keeps_the_end_of_an_id_and_a_pipe_the_whole(shell: Shell) -> None:
    quest_id = shell("submit", "quest.json").out.strip()

    shortened = f"…{quest_id[-12:]}"
    assert shortened in shell("list", COLUMNS="60").out
    assert shell("show", shortened, "-o", "json").data["quest_id"] == quest_id
    assert quest_id in shell("list").out


def test_json_is_utf8_or_escaped_whatever_the_locale(shell: Shell) -> None:
    shell("submit", "quest.json", "-i", "name=Žofie")

    ended = shell("show", "@last", "-o", "json", PYTHONIOENCODING="latin-1")

    assert ended.data["input_data"]["name"] == "Žofie"


def test_a_terminal_that_knows_few_characters_gets_the_rest_as_question_marks(shell: Shell) -> None:
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    shell("submit", "quest.json", "-i", "name=Žofie", "--id", "cafe", PYTHONUTF8="1")

    for words in (["--help"], ["submit", "--help"], ["show", "cafe"], ["list"]):
        ended = shell(*words, **narrow)
        assert (ended.code, ended.err) == (0, ""), words
        assert ended.out.isascii()
    assert shell("show", "cafe", "-o", "json", **narrow).data["input_data"]["name"] == "Žofie"


def _on_a_terminal(shell: Shell, environment: dict[str, str]) -> bytes:
    """Return what `questline list` writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [SCRIPT, "list"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=shell.folder,
        env=shell.environment | environment,
    )
    os.close(theirs)
    written = b""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait(TIMEOUT) == 0
    return written


def _handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    with open(f"/proc/{pid}/status") as file:  # noqa: PTH123  (no file like others)
        caught = next(line for line in file if line.startswith("SigCgt")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)
