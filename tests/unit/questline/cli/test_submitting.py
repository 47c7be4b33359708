"""`questline submit`: files, options, types, and what overrides what."""

import io
import json
import sys
from pathlib import Path

import pytest

from questline_scheduler import quest_types
from tests.unit.questline.cli.conftest import QUEST, CommandLine

YAML = """\
quest_type: yearly
input_data: {day: 2026-01-01}
execution_stack:
  - {lord_name: herald, tool_name: greet}
"""


def test_the_id_stands_alone_on_the_first_line(cli: CommandLine) -> None:
    ran = cli("submit", cli.file("quest.json", QUEST), "--id", "alpha")

    assert (ran.code, ran.out) == (0, "alpha\n")
    assert "questline show alpha" in ran.err


def test_options_override_the_file(cli: CommandLine) -> None:
    file = cli.file("quest.json", QUEST)
    options = ("--type", "other", "-i", "service=orders", "-i", "n=3", "-i", "tags=[1]", "--priority", "7")

    made = cli.json("submit", file, *options, "--label", "team=b", "--queue", "slow")

    assert made["quest_type"] == "other"
    assert made["input_data"] == {"service": "orders", "n": 3, "tags": [1]}
    assert (made["labels"], made["queue"], made["priority"]) == ({"team": "b"}, "slow", 7)


def test_input_replaces_that_of_the_file(cli: CommandLine) -> None:
    file = cli.file("quest.json", QUEST)
    data = cli.file("input.json", {"a": 1})

    assert cli.json("submit", file, "--input", '{"b": 2}')["input_data"] == {"b": 2}
    assert cli.json("submit", file, "--input", f"@{data}", "-i", "c=x")["input_data"] == {"a": 1, "c": "x"}


def test_yaml_means_what_the_same_json_means(cli: CommandLine) -> None:
    made = cli.json("submit", cli.file("quest.yaml", YAML))

    assert made["input_data"] == {"day": "2026-01-01"}


@pytest.mark.parametrize("text", [YAML, json.dumps(QUEST)])
def test_standard_input_may_hold_the_quest(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    assert cli.json("submit", "-")["status"] == "new"


def test_an_idempotency_key_gives_the_same_quest_again(cli: CommandLine) -> None:
    file = cli.file("quest.json", QUEST)

    first = cli("submit", file, "--idempotency-key", "once")
    second = cli("submit", file, "--idempotency-key", "once")

    assert first.out == second.out
    assert "before" in second.err


def test_a_key_that_was_used_for_another_input_is_told_with_the_option(cli: CommandLine) -> None:
    file = cli.file("quest.json", QUEST)
    first = cli("submit", file, "--idempotency-key", "once")
    again = ["submit", file, "-i", "service=orders", "--idempotency-key", "once"]

    refused = cli(*again)
    assert refused.code == 5
    assert "Hint: use another key, or --on-conflict return to be given that quest" in refused.err
    assert cli(*again, "--on-conflict", "return").out == first.out


def test_a_registered_type_needs_no_file(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quest_types, "_TYPES", {})
    monkeypatch.syspath_prepend(cli.folder)
    monkeypatch.setenv("QUESTLINE_LORDS", "heralds_of_submit")
    cli.file(
        "heralds_of_submit.py",
        "from questline import LordStep, quest_type\n"
        "@quest_type('greeting')\n"
        "def greeting(data):\n"
        "    return [LordStep('herald', 'greet', params={'name': data['name']})]\n",
    )

    made = cli.json("submit", "--type", "greeting", "-i", "name=Ann")
    unknown = cli("submit", "--type", "farewell", "-o", "json")
    refused = cli("submit", "--type", "greeting")

    assert made["execution_stack"][0]["params"] == {"name": "Ann"}
    assert (unknown.code, unknown.error["hint"].startswith("known types: greeting (")) == (2, True)
    assert refused.code == 2
    assert "refuses this input" in refused.err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("quest.json", '{"quest_type": ', "line 1"),
        ("quest.json", "[]", "a list"),
        ("quest.json", '{"quest_type": NaN}', "NaN"),
        ("quest.json", '{"a":' * 100_000, "JSON"),
        ("quest.yaml", "quest_type: [", "line 2"),
        ("quest.yaml", "just text", "text"),
        ("quest.yaml", "", "nothing"),
        ("quest.json", json.dumps({**QUEST, "quest_typ": 1}), "did you mean 'quest_type'"),
        ("quest.json", json.dumps({**QUEST, "execution_stack": []}), "quest type"),
        ("quest.json", json.dumps({**QUEST, "execution_stack": [{"lord_name": "a"}]}), "tool_name"),
        ("quest.json", json.dumps({**QUEST, "input_data": [1]}), "input_data"),
        ("quest.json", json.dumps({**QUEST, "input_data": {"x": "y" * 300_000}}), "300,0"),
        ("quest.json", json.dumps({**QUEST, "quest_id": "no spaces"}), "quest_id"),
    ],
)
def test_a_malformed_quest_is_refused_and_nothing_is_stored(
    cli: CommandLine, name: str, content: str, said: str
) -> None:
    before = cli.rows()

    ran = cli("submit", cli.file(name, content))

    assert ran.code == 2, ran
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert cli.rows() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "neither a file nor a type"),
        (("missing.json",), "No such file"),
        ((".",), "Is a directory"),
        (("quest.json", "-i", "novalue"), "KEY=VALUE"),
        (("quest.json", "--label", "=x"), "KEY=VALUE"),
        (("quest.json", "--input", "{"), "not JSON"),
        (("quest.json", "--input", "3"), "a number"),
        (("quest.json", "--input", "@missing.json"), "No such file"),
        (("quest.json", "--timeout", "3"), "--wait"),
        (("quest.json", "--priority", "5000"), "priority"),
        (("quest.json", "--queue", "a b"), "queue"),
        (("-", "--input", "-"), "standard input"),
        (("binary.json",), "UTF-8"),
    ],
)
def test_a_wrong_option_is_refused_and_nothing_is_stored(
    cli: CommandLine, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    cli.file("quest.json", QUEST)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    before = cli.rows()

    ran = cli("submit", *words)

    assert ran.code == 2, ran
    assert said in ran.err
    assert cli.rows() == before


def test_a_taken_id_is_a_conflict(cli: CommandLine) -> None:
    cli.submit("alpha")
    before = cli.rows()

    ran = cli("submit", cli.file("quest.json", QUEST), "--id", "alpha", "-o", "json")

    assert (ran.code, ran.error["code"]) == (5, "conflict")
    assert cli.rows() == before
