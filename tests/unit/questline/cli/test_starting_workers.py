"""What `questline worker` and `questline dev` say before they start a process."""

import re
import sys

import pytest

from questline_persistence.settings import Settings
from questline_scheduler import quest_types
from questline_worker import supervisor
from questline_worker.lords import lords
from tests.unit.questline.cli.conftest import CommandLine

LORDS = 'from questline import lord\n\n@lord("a", "work")\ndef a(ctx):\n    return 1\n'
TYPE = 'from questline import quest_type\n\n@quest_type("t")\ndef t(data):\n    return ["a:work"]\n'


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of each pool that was started, in a process in which no Lord is registered yet."""
    pools: list[Settings] = []

    class Pool:
        def __init__(self, settings: Settings, _modules: object, **_options: object) -> None:
            pools.append(settings)

        def run(self) -> int:
            return 0

    monkeypatch.setattr(supervisor, "Supervisor", Pool)
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(quest_types, "_TYPES", {})
    return pools


@pytest.mark.parametrize("words", [("worker",), ("dev", "--no-reload")], ids=" ".join)
def test_a_worker_whose_modules_register_no_lord_refuses_to_start(
    cli: CommandLine, started: list[Settings], words: tuple[str, ...]
) -> None:
    ran = cli(*words, "json", "colorsys")

    assert (ran.code, started) == (2, [])
    assert "Error: json, colorsys register no Lord (step function), so this worker would run no step" in ran.err
    assert "Hint: write @lord(NAME, TOOL) above your step functions" in ran.err
    assert cli("worker", "json", "-o", "json").error["message"].startswith("json registers no Lord")


def test_dev_waits_for_the_first_lord_of_its_modules(cli: CommandLine, started: list[Settings]) -> None:
    ran = cli("dev", "json")

    assert ran.code == 0
    assert [pool.lords for pool in started] == [("json",)]
    assert "Warning: json registers no Lord (step function) yet; nothing runs until you add one." in ran.err


@pytest.mark.parametrize("words", [(), ("no_such_module",)], ids=["none named", "one missing"])
def test_dev_greets_nobody_whom_it_refuses(cli: CommandLine, started: list[Settings], words: tuple[str, ...]) -> None:
    ran = cli("dev", *words)

    assert (ran.code, started) == (2, [])
    assert ran.err.startswith("Error: ")
    assert "in another terminal" not in ran.err


def test_dev_tells_where_things_are_once_it_can_start(cli: CommandLine, started: list[Settings]) -> None:
    cli.file("dev_lords.py", LORDS)
    ran = cli("dev", "dev_lords")

    assert [pool.lords for pool in started] == [("dev_lords",)]
    assert "  modules   dev_lords\n" in ran.err
    assert "Submit a quest in another terminal: questline submit quest.yaml --wait\n" in ran.err


@pytest.mark.parametrize("words", [True, False], ids=["by the command", "in the settings"])
def test_the_command_that_dev_tells_submits_a_quest(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, *, words: bool
) -> None:
    module = f"typed_lords_{words}".lower()
    cli.file(f"{module}.py", LORDS + TYPE)
    if not words:
        monkeypatch.setenv("QUESTLINE_LORDS", module)
    greeting = cli("dev", *[module] * words).err

    (told,) = re.findall(r"in another terminal: questline (submit .*) --wait\n", greeting)
    assert ("-m " in told) is words
    monkeypatch.setattr(quest_types, "_TYPES", {})  # another process imports the module anew
    monkeypatch.delitem(sys.modules, module)
    assert cli(*told.split()).code == 0


@pytest.mark.parametrize(("given", "found"), [("auto", "console"), ("json", "json")])
def test_dev_logs_for_people_unless_told_otherwise(
    cli: CommandLine, started: list[Settings], monkeypatch: pytest.MonkeyPatch, given: str, found: str
) -> None:
    module = f"lords_of_{given}"  # one that is imported already registers nothing
    cli.file(f"{module}.py", LORDS)
    monkeypatch.setenv("QUESTLINE_LOG_FORMAT", given)
    cli("dev", module)

    assert [pool.log_format for pool in started] == [found]
