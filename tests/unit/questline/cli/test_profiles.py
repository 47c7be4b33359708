"""`--profile NAME` of every command: the settings of `profiles/NAME.yaml`."""

import shlex

import pytest

from questline.cli.completion import _store
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture
def profiled(cli: CommandLine) -> CommandLine:
    """A command line in a folder with a profile `dev`, which has a namespace of its own."""
    (cli.folder / "profiles").mkdir()
    cli.file("profiles/dev.yaml", "namespace: dev\nworker_threads: 3\n")
    return cli


def test_config_show_says_what_a_profile_has_set(profiled: CommandLine) -> None:
    found = profiled.json("config", "show", "--profile", "dev", "--namespace", "mine")["items"]

    rows = {row["name"]: (row["value"], row["origin"]) for row in found}
    assert rows["profile"] == ("dev", "--profile")
    assert rows["worker_threads"] == ("3", "profiles/dev.yaml")
    assert rows["namespace"] == ("mine", "--namespace")


def test_what_is_submitted_steered_and_looked_at_by_a_profile_is_the_same(profiled: CommandLine) -> None:
    profiled.file("quest.yaml", "quest_type: job\nexecution_stack: [{lord_name: a, tool_name: b}]\n")

    assert profiled("submit", "quest.yaml", "--id", "alpha", "--profile", "dev").code == 0
    assert profiled("pause", "alpha", "--profile", "dev").code == 0

    assert profiled.json("show", "alpha", "--profile", "dev")["status"] == "paused"
    assert profiled.json("list", "--namespace", "dev")["items"][0]["quest_id"] == "alpha"
    assert profiled("show", "alpha").code == 4


def test_the_command_for_the_next_page_repeats_the_profile(profiled: CommandLine) -> None:
    for name in ("alpha", "beta"):
        profiled.submit(name)
    profiled.file("profiles/none.yaml", "")

    shown = profiled("list", "-l", 1, "--profile", "none").out

    assert "--profile none" in shown
    words = shlex.split(shown.partition("More: questline ")[2])
    assert [item["quest_id"] for item in profiled.json(*words)["items"]] == ["alpha"]


def test_the_shell_completes_the_ids_of_a_profile(profiled: CommandLine) -> None:
    profiled.submit("alpha")

    database, namespace = _store({"profile": "dev"})

    assert not database.missing
    assert namespace == "dev"
    database.close()


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("prod", "there is no profile 'prod'", "there are: dev, wrong"),
        ("wrong", "profiles/wrong.yaml: unknown key 'namespase'", "did you mean 'namespace'?"),
    ],
)
def test_a_profile_that_is_not_there_or_wrong_is_a_mistake_of_configuration(
    profiled: CommandLine, name: str, message: str, hint: str
) -> None:
    profiled.file("profiles/wrong.yaml", "namespase: x\n")

    refused = profiled("list", "--profile", name, "-o", "json")

    assert refused.code == 7
    assert refused.error["message"] == message
    assert refused.error["hint"].endswith(hint)


def test_a_wrong_option_beside_a_profile_is_a_mistake_of_usage(profiled: CommandLine) -> None:
    assert profiled("list", "--profile", "dev", "--namespace", "a b").code == 2
