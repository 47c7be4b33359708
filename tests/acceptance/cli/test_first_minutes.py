"""What a new user does first, in an empty folder, without any server."""

import sys

from tests.acceptance.cli.conftest import SCRIPT, Shell


def test_the_first_command_makes_the_store_and_git_ignores_it(empty_shell: Shell) -> None:
    submitted = empty_shell("submit", "quest.json", program=(SCRIPT,))

    assert submitted.code == 0, submitted.err
    assert empty_shell.database.is_file()
    assert (empty_shell.folder / ".questline" / ".gitignore").read_text() == "*\n"
    assert empty_shell("show", submitted.out.strip()[:18], "-o", "json").data["status"] == "new"


def test_the_module_does_what_the_script_does(shell: Shell) -> None:
    module = (sys.executable, "-m", "questline")

    for words in (("show", "missing"), ("--help",)):
        assert shell(*words, program=(SCRIPT,)) == shell(*words, program=module)


def test_a_quest_goes_through_the_hands_of_an_admin(shell: Shell) -> None:
    shell("submit", "quest.json", "--id", "alpha")

    assert shell("pause", "alpha", "--reason", "wait").out.split()[-1] == "paused"
    assert shell("resume", "alpha", "-o", "json").data["status"] == "new"
    assert shell("fork", "alpha", "--as", "beta").out == "beta\n"
    assert shell("cancel", "alpha").code == 0
    assert shell("replay", "alpha", "-o", "json").data["epoch"] == 1
    assert shell("cancel", "@last", "alpha", "-o", "jsonl").out.count("cancelled") == 2
    assert shell("delete", "alpha", "beta", "-y").code == 0
    assert shell("list", "-o", "json").data == {"items": [], "next_cursor": None}
