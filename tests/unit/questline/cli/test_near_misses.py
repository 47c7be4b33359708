"""What is nearly right is told what it is near to, and what is too much is told the limit."""

import json
from typing import Any

import pytest

from questline import Quest, QuestRepository
from tests.unit.questline.cli.conftest import QUEST, CommandLine

STEP = {"lord_name": "architect", "tool_name": "design_system"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("list", "--status", "complete"), "did you mean 'completed'?"),
        (("cancel", "--status", "runing", "-y"), "did you mean 'running'?"),
        (("prune", "--older-than", "1d", "--status", "cancel"), "did you mean 'cancelled'?"),
        (
            ("list", "--status", "zzz"),
            "known statuses: new, running, waiting, pausing, paused, completed, failed, canc",
        ),
    ],
)
def test_a_misspelt_status_is_told_the_nearest(cli: CommandLine, words: tuple[str, ...], hint: str) -> None:
    ran = cli(*words, "-o", "json")

    assert (ran.code, ran.error["hint"].startswith(hint)) == (2, True), ran


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        ({"execution_stack": [STEP | {"parms": {}}]}, "execution_stack.0.parms: a step has no key 'parms'", "'params'"),
        ({"labels": {"my team": "a"}}, "labels: 'my team' is not a label's key", "at most 63"),
        ({"labels": {f"k{number}": "v" for number in range(33)}}, "labels: 33 are too many; the limit is 32", "find"),
        ({"execution_stack": [STEP] * 10_000}, "execution_stack has 10,000 entries; the limit is 9,999", ""),
        (
            {"execution_stack": [STEP | {"params": {"x": "y" * 256_000}}]},
            "the params of step 0001 (architect:design_system) is 256,008 bytes of JSON; the limit is 256,000",
            "QUESTLINE_MAX_PARAMS_BYTES",
        ),
        (
            {"input_data": {"x": "y" * 256_000}},
            "input_data is 256,008 bytes of JSON; the limit is 256,000",
            "QUESTLINE_MAX_INPUT_BYTES",
        ),
    ],
)
def test_a_quest_that_is_refused_is_told_why_and_what_to_do(
    cli: CommandLine, change: dict[str, Any], message: str, hint: str
) -> None:
    ran = cli("submit", cli.file("quest.json", {**QUEST, **change}), "-o", "json")

    assert (ran.code, ran.error["message"]) == (2, message)
    assert hint in (ran.error["hint"] or "")
    assert cli.json("list")["items"] == []


def test_a_raised_limit_lets_a_larger_quest_in(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    file = cli.file("quest.json", {**QUEST, "input_data": {"x": "y" * 15_000_000}})
    assert "larger than" in cli("submit", file).err

    monkeypatch.setenv("QUESTLINE_MAX_INPUT_BYTES", "20000000")
    assert cli("submit", file).code == 0


@pytest.mark.parametrize("words", [("list", "--type", "\udcff"), ("list", "--label", "a=\udcff")])
def test_a_word_that_is_no_text_is_a_usage_mistake(cli: CommandLine, words: tuple[str, ...]) -> None:
    ran = cli(*words, "-o", "json")

    assert (ran.code, "half of a surrogate pair" in ran.error["message"]) == (2, True), ran
    assert "UTF-8" in ran.error["hint"]


@pytest.mark.parametrize("option", ["--version", "--cursor"])
def test_a_number_that_no_store_can_hold_is_a_usage_mistake(cli: CommandLine, option: str) -> None:
    cli.submit("alpha")

    assert cli("snapshots", "alpha", option, 10**30).code == 2
    assert cli("runs", "alpha", "--cursor", 10**30).code == 2


def test_a_misspelt_variable_is_warned_of_on_stderr_alone(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_persistence.settings.loading._WARNED", set())
    monkeypatch.setenv("QUESTLINE_NAMESPAC", "x")

    ran = cli("list", "-o", "json")

    assert json.loads(ran.out) == {"items": [], "next_cursor": None}
    said = "Warning: QUESTLINE_NAMESPAC in the environment is no setting; did you mean 'QUESTLINE_NAMESPACE'?\n"
    assert ran.err == said


def test_attempts_follow_one_another_by_cursor(cli: CommandLine) -> None:
    with QuestRepository(cli.database) as repository:
        repository.save_quest(Quest.model_validate({**QUEST, "quest_id": "kept"}))
        for index in (1, 2, 3):
            repository.save_lord_run("kept", "architect", "design_system", run_index=index)

    first = cli.json("runs", "kept", "--limit", 2)
    second = cli.json("runs", "kept", "--limit", 2, "--cursor", first["next_cursor"])

    assert [run["run_index"] for page in (first, second) for run in page["items"]] == [1, 2, 3]
    assert second["next_cursor"] is None
    assert (
        f"More: questline runs kept --limit 2 --cursor {first['next_cursor']}" in cli("runs", "kept", "--limit", 2).out
    )


def _kept_twice(cli: CommandLine) -> None:
    """Keep a quest with two snapshots and two attempts, and another one."""
    with QuestRepository(cli.database) as repository:
        for name in ("kept", "kept", "other"):
            repository.save_quest(Quest.model_validate({**QUEST, "quest_id": name}))
        for index in (1, 2):
            repository.save_lord_run("kept", "architect", "design_system", run_index=index)


@pytest.mark.parametrize("words", [("runs", "kept"), ("snapshots", "kept"), ("list",)])
def test_a_page_says_when_there_is_more(cli: CommandLine, words: tuple[str, ...]) -> None:
    _kept_twice(cli)
    lines, text = cli(*words, "--limit", 1, "-o", "jsonl"), cli(*words, "--limit", 1)

    assert len(lines.out.splitlines()) == 1
    assert lines.err.startswith("There are more: add --cursor ")
    assert f"More: questline {' '.join(words)} --limit 1 --cursor " in text.out


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("replay", "alpha", "--set", "input_data.x"), "--set 'input_data.x' is not PATH=JSON", "--set PATH=JSON"),
        (("show", "@lst"), "there is no quest @lst", "did you mean @last?"),
        (("list", "-o", "xml"), "'xml' is not", None),
        (("submit", "quest.json", "--on-conflict", "ignore"), "'ignore' is not", None),
        (("retry", "alpha"), "quest alpha is new; retry needs it to be failed", "questline replay alpha"),
    ],
)
def test_a_mistake_is_told_without_noise_in_the_form_that_is_right(
    cli: CommandLine, words: tuple[str, ...], message: str, hint: str | None
) -> None:
    cli.submit("alpha")
    ran = cli(*words)

    assert message in ran.err
    assert "Value error" not in ran.err
    assert hint is None or hint in ran.err


def test_a_store_without_a_schema_is_called_that_everywhere(cli: CommandLine) -> None:
    (cli.folder / "empty.db").touch()

    checks = cli("doctor", "--database-url", "sqlite:///empty.db", "-o", "json").data["checks"]

    assert any("has no questline schema" in check["message"] for check in checks)
