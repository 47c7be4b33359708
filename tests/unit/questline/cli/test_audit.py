"""`questline audit`, and what the command line leaves there."""

import getpass
import socket

import pytest

from tests.unit.questline.cli.conftest import CommandLine


def test_a_command_says_who_called_it_and_what_belongs_together(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli.submit("beta")

    cli("pause", "alpha", "beta", "--reason", "deploy")
    cli("resume", "alpha", "--reason", "done")

    resumed, *paused = cli.json("audit")["items"]
    assert [(one["verb"], one["quest_id"], one["reason"]) for one in paused] == [
        *(("pause", "beta", "deploy"), ("pause", "alpha", "deploy")),
    ]
    assert (resumed["actor"], resumed["door"]) == (f"{getpass.getuser()}@{socket.gethostname()}", "cli")
    assert len({one["request_id"] for one in paused}) == 1
    assert resumed["request_id"] != paused[0]["request_id"]


def test_a_setting_says_on_whose_behalf_commands_are_called(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_ACTOR", "night-shift")
    cli.submit("alpha")
    cli("cancel", "alpha")

    assert [one["verb"] for one in cli.json("audit", "--actor", "night-shift")["items"]] == ["cancel"]
    assert cli.json("audit", "--actor", "nobody")["items"] == []


def test_the_command_for_the_next_page_keeps_what_was_asked_for(cli: CommandLine) -> None:
    cli.submit("alpha")
    for verb in ("pause", "resume", "pause", "cancel"):
        cli(verb, "alpha")

    told = cli("audit", "--quest", "alp", "--verb", "pause", "--verb", "cancel", "--since", "1h", "--limit", "1").out
    more = " ".join(told.split("More: questline ")[1].split())
    first, following = (cli.json(*words.split()) for words in (more, more.partition(" --cursor")[0]))

    assert "cancel" in told
    assert [one["verb"] for one in first["items"]] == ["pause"]
    assert [one["verb"] for one in following["items"]] == ["cancel"]


def test_what_was_done_to_a_deleted_quest_is_found_by_its_id(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli("cancel", "alpha")
    cli("delete", "alpha", "-y", "--reason", "asked for")

    found = cli.json("audit", "--quest", "alpha")["items"]

    assert [(one["verb"], one["reason"]) for one in found] == [("delete", "asked for"), ("cancel", None)]


def test_old_entries_are_pruned_once_that_was_confirmed(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli("cancel", "alpha")

    assert cli.json("prune", "--audit-older-than", "0s", "--dry-run") == {"matched": 1, "deleted": 0, "dry_run": True}
    assert cli("prune", "--audit-older-than", "0s").code == 2
    assert cli.json("prune", "--audit-older-than", "0s", "-y")["deleted"] == 1
    assert [(one["verb"], one["subject"]) for one in cli.json("audit")["items"]] == [("prune", "audit")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("prune",), "--older-than"),
        (("prune", "--older-than", "1d", "--audit-older-than", "1d"), "either"),
        (("prune", "--audit-older-than", "1d", "--status", "failed"), "leave --status out"),
        (("audit", "--verb", "pauze"), "did you mean 'pause'"),
    ],
)
def test_a_mistake_is_told_with_its_fix(cli: CommandLine, words: tuple[str, ...], told: str) -> None:
    ran = cli(*words)

    assert ran.code == 2
    assert told in ran.err


def test_an_empty_audit_says_what_would_be_in_it(cli: CommandLine) -> None:
    assert "Nobody has changed anything yet" in cli("audit").err
