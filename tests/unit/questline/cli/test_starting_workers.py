"""What `questline worker` and `questline dev` say before they start a process."""

from typing import Any

import pytest

from questline_worker import supervisor
from questline_worker.lords import lords
from tests.unit.questline.cli.conftest import CommandLine

LORDS = 'from questline import lord\n\n@lord("a", "work")\ndef a(ctx):\n    return 1\n'


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The modules of each pool that was started, in a process in which no Lord is registered yet."""
    pools: list[Any] = []

    class Pool:
        def __init__(self, _: object, modules: Any, **_options: object) -> None:
            pools.append([*modules])

        def run(self) -> int:
            return 0

    monkeypatch.setattr(supervisor, "Supervisor", Pool)
    monkeypatch.setattr(lords, "_HANDLERS", {})
    return pools


@pytest.mark.parametrize("words", [("worker",), ("dev", "--no-reload")], ids=" ".join)
def test_a_worker_whose_modules_register_no_lord_refuses_to_start(
    cli: CommandLine, started: list[Any], words: tuple[str, ...]
) -> None:
    ran = cli(*words, "json", "colorsys")

    assert (ran.code, started) == (2, [])
    assert "Error: json, colorsys register no Lord (step function), so this worker would run no step" in ran.err
    assert "Hint: write @lord(NAME, TOOL) above your step functions" in ran.err
    assert cli("worker", "json", "-o", "json").error["message"].startswith("json registers no Lord")


def test_dev_waits_for_the_first_lord_of_its_modules(cli: CommandLine, started: list[Any]) -> None:
    ran = cli("dev", "json")

    assert (ran.code, started) == (0, [["json"]])
    assert "Warning: json registers no Lord (step function) yet; nothing runs until you add one." in ran.err


@pytest.mark.parametrize("words", [(), ("no_such_module",)], ids=["none named", "one missing"])
def test_dev_greets_nobody_whom_it_refuses(cli: CommandLine, started: list[Any], words: tuple[str, ...]) -> None:
    ran = cli("dev", *words)

    assert (ran.code, started) == (2, [])
    assert ran.err.startswith("Error: ")
    assert "in another terminal" not in ran.err


def test_dev_tells_where_things_are_once_it_can_start(cli: CommandLine, started: list[Any]) -> None:
    cli.file("dev_lords.py", LORDS)
    ran = cli("dev", "dev_lords")

    assert started == [["dev_lords"]]
    assert "  modules   dev_lords\n" in ran.err
    assert "Submit a quest in another terminal" in ran.err
