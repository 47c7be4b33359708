"""`questline keys`: made, listed, rotated, revoked."""

import pytest

from questline_persistence.keys import KeyCheck
from questline_persistence.store import Database
from tests.payload_codec import KEYS
from tests.unit.questline.cli.conftest import CommandLine


def accepted(cli: CommandLine, secret: str) -> bool:
    database = Database(f"sqlite:///{cli.database}")
    found = KeyCheck(database).key_of(secret)
    database.close()
    return found is not None


def test_a_key_stands_alone_on_stdout_and_is_accepted(cli: CommandLine) -> None:
    ran = cli("keys", "create", "ci", "--scope", "submit", "--expires-in", "90d")

    assert accepted(cli, ran.out.strip())
    assert "nobody can show it again" in ran.err
    (shown,) = cli.json("keys", "list")["items"]
    assert (shown["name"], shown["scopes"], shown["payloads"], shown["state"]) == ("ci", ["submit"], False, "active")
    assert ran.out.startswith(shown["prefix"])
    assert ran.out.strip() not in cli("keys", "list", "-o", "json").out


def test_a_key_may_read_unless_told_otherwise(cli: CommandLine) -> None:
    assert cli.json("keys", "create", "dashboards")["scopes"] == ["read"]


def test_a_rotated_key_is_replaced_and_a_revoked_one_ends(cli: CommandLine) -> None:
    old = cli.json("keys", "create", "ci", "--payloads")
    new = cli.json("keys", "rotate", old["key_id"], "--grace", "0s")

    assert (accepted(cli, old["secret"]), accepted(cli, new["secret"])) == (False, True)
    assert (new["rotated_from"], new["payloads"]) == (old["key_id"], True)
    assert cli("keys", "revoke", new["key_id"]).code == 2
    assert cli.json("keys", "revoke", new["key_id"], "-y")["state"] == "revoked"
    assert not accepted(cli, new["secret"])
    assert [one["verb"] for one in cli.json("audit")["items"]] == ["keys revoke", "keys rotate", "keys create"]
    assert "revoked" in cli("keys", "list").out


def test_mistakes_with_keys_are_told(cli: CommandLine) -> None:
    assert cli("keys", "revoke", "000000000000", "-y").code == 4
    assert "did you mean 'read'" in cli("keys", "create", "ci", "--scope", "reed").err
    assert "There is no key yet" in cli("keys", "list").err


def test_the_gateway_listens_elsewhere_once_there_is_a_key(cli: CommandLine) -> None:
    """At an address that is kept for examples, which no machine has: there it comes as far as trying."""
    before = cli("gateway", "--host", "192.0.2.1", "--port", "0")
    cli("keys", "create", "ci")
    after = cli("gateway", "--host", "192.0.2.1", "--port", "0")

    assert (before.code, after.code) == (7, 7)
    assert "questline keys create" in before.err
    assert "cannot listen at 192.0.2.1" in after.err


def test_payloads_are_encrypted_with_the_first_key(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUESTLINE_PAYLOAD_KEYS", raising=False)
    cli.submit("q1")
    assert cli("keys", "rotate-payloads").code == 7
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", KEYS["alpha"])
    done = {one["table"]: one["sealed"] for one in cli.json("keys", "rotate-payloads")["items"]}

    assert done["quest_executions"] == 1
    assert cli.json("show", "q1")["input_data"] != {"<encrypted>": True}
    monkeypatch.delenv("QUESTLINE_PAYLOAD_KEYS")
    assert cli.json("show", "q1")["input_data"] == {"<encrypted>": True}
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", KEYS["beta"])
    assert cli("keys", "rotate-payloads").code == 7


def test_doctor_tells_of_the_keys_and_of_one_that_is_missing(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str, str]:
        ran = cli("doctor", "-o", "json")
        return next((one["status"], one["message"]) for one in ran.data["checks"] if one["name"] == "payloads")

    monkeypatch.delenv("QUESTLINE_PAYLOAD_KEYS", raising=False)
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", KEYS["alpha"])
    cli.submit("q1")
    assert told() == ("pass", "encrypted with the key alpha")
    monkeypatch.setenv("QUESTLINE_PAYLOAD_KEYS", KEYS["beta"])
    assert told() == ("warn", "some are encrypted with the key alpha, which is not among the keys here")
    monkeypatch.delenv("QUESTLINE_PAYLOAD_KEYS")
    assert told()[0] == "warn"
