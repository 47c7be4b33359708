"""Keys: shown once, kept as a hash, of one namespace, valid until they expire or are revoked."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from questline_persistence.errors import NotFound, PayloadError, QuestConflict
from questline_persistence.keys import ApiKey, KeyCheck, Keys, NewKey, Secret, key_check, keys
from questline_persistence.schema import api_keys
from tests.contract.quests import ACTOR, LONG, Workbench, lost_reply, statements


@pytest.fixture
def own(bench: Workbench) -> Keys:
    return Keys(bench.database, bench.namespace, ACTOR)


def valid(bench: Workbench, secret: str) -> ApiKey | None:
    """Return the key that is accepted now, by a gateway that has never seen it."""
    return KeyCheck(bench.database).key_of(secret)


def made(own: Keys, name: str = "ci", scopes: tuple[str, ...] = ("read", "submit"), **options: object) -> NewKey:
    return own.create(name, scopes, **options)  # type: ignore[arg-type]


def test_a_key_is_accepted_for_what_it_may_do_in_its_namespace(bench: Workbench, own: Keys) -> None:
    new = made(own, payloads=True)

    found = valid(bench, new.secret)

    assert found is not None
    assert found == new.key
    assert (found.namespace, found.scopes, found.payloads) == (bench.namespace, {"read", "submit"}, True)
    assert new.secret.startswith(f"ql_{new.key.key_id}_")


def test_the_store_never_has_the_secret(bench: Workbench, own: Keys) -> None:
    new = made(own)
    random = new.secret.rpartition("_")[2]

    rows = bench.database.read(lambda connection: repr(connection.execute(select(api_keys)).all()))

    assert random not in rows + repr(bench.audit()) + repr(new) + repr(Secret.read(new.secret))
    assert "secret" not in new.key.to_json(bench.clock.now())


@pytest.mark.parametrize("change", ["last", "id", "case", "blank", "prefix"])
def test_a_key_that_is_almost_right_is_refused(bench: Workbench, own: Keys, change: str) -> None:
    secret = made(own).secret
    last = "0" if secret[-1] != "0" else "1"
    forged = {
        "last": secret[:-1] + last,
        "id": f"ql_{'0' * 12}_{secret[-64:]}",
        "case": secret.upper(),
        "blank": f"{secret} ",
        "prefix": secret.removeprefix("ql_"),
    }

    assert valid(bench, forged[change]) is None


def test_a_key_expires_by_the_clock_of_the_database(bench: Workbench, own: Keys) -> None:
    new = made(own, expires_in=LONG)
    check = KeyCheck(bench.database)
    assert check.key_of(new.secret) is not None

    bench.clock.advance(LONG)

    assert check.key_of(new.secret) is None, "whatever it has read a moment ago"
    assert own.list()[0].state(bench.clock.now()) == "expired"


def test_a_revoked_key_is_refused_for_good(bench: Workbench, own: Keys) -> None:
    new = made(own)

    own.revoke(new.key.key_id, reason="lost")
    own.revoke(new.key.key_id, reason="again")

    assert valid(bench, new.secret) is None
    told = bench.audit()[0]
    assert (told.verb, told.subject, told.reason) == ("keys revoke", new.key.key_id, "lost")
    assert len(bench.audit()) == 2


def test_a_key_that_was_just_seen_is_not_read_again_for_a_few_seconds(
    bench: Workbench, own: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, check = made(own), KeyCheck(bench.database)
    with statements(bench.database) as sent:
        assert check.key_of(new.secret) == check.key_of(new.secret)
    assert len([one for one in sent if "api_keys" in one]) == 1

    own.revoke(new.key.key_id)
    monkeypatch.setattr(key_check, "KNOWN_SECONDS", 0.0)
    assert check.key_of(new.secret) is None


def test_a_rotated_key_does_the_same_and_the_old_one_ends_after_a_while(bench: Workbench, own: Keys) -> None:
    old = made(own, payloads=True, expires_in=10 * LONG)
    bench.clock.advance(LONG)

    new = own.rotate(old.key.key_id, grace=60, reason="yearly")

    assert (new.key.name, new.key.scopes, new.key.payloads) == (old.key.name, old.key.scopes, True)
    assert new.key.rotated_from == old.key.key_id
    assert new.key.expires_time == pytest.approx(bench.clock.now() + 10 * LONG)
    assert valid(bench, old.secret)
    assert valid(bench, new.secret)
    bench.clock.advance(60)
    assert not valid(bench, old.secret)
    told = bench.audit()[0]
    assert (told.verb, told.reason, told.outcome["replaced"]) == ("keys rotate", "yearly", old.key.key_id)


def test_rotation_never_makes_a_key_valid_for_longer(bench: Workbench, own: Keys) -> None:
    old = made(own, expires_in=30)

    own.rotate(old.key.key_id, grace=LONG)

    bench.clock.advance(30)
    assert not valid(bench, old.secret)


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_a_key_that_has_ended_is_not_rotated(bench: Workbench, own: Keys, ended: str) -> None:
    old = made(own, expires_in=30)
    if ended == "revoked":
        own.revoke(old.key.key_id)
    else:
        bench.clock.advance(30)

    with pytest.raises(QuestConflict, match=ended):
        own.rotate(old.key.key_id)


def test_i11_a_key_of_another_namespace_is_neither_seen_nor_touched(
    own: Keys, open_bench: Callable[..., Workbench]
) -> None:
    new = made(own)
    stranger = Keys(open_bench("stranger").database, "stranger", ACTOR)

    assert stranger.list() == []
    for change in (stranger.revoke, stranger.rotate):
        with pytest.raises(NotFound):
            change(new.key.key_id)
    assert own.list() == [new.key]


@pytest.mark.parametrize("verb", ["create", "rotate", "revoke"])
def test_a_change_whose_reply_was_lost_is_made_once(bench: Workbench, own: Keys, verb: str) -> None:
    key_id = made(own).key.key_id
    with lost_reply(bench.database):
        {"create": lambda: made(own), "rotate": lambda: own.rotate(key_id), "revoke": lambda: own.revoke(key_id)}[
            verb
        ]()

    assert [entry.verb for entry in bench.audit()] == [f"keys {verb}", "keys create"]
    assert len(own.list()) == (1 if verb == "revoke" else 2)


def test_it_is_noted_once_a_minute_that_a_key_is_used(bench: Workbench, own: Keys) -> None:
    key, check = made(own).key, KeyCheck(bench.database)
    first = bench.clock.now()
    with statements(bench.database) as sent:
        check.note_use(key)
        check.note_use(key)
    assert len([one for one in sent if one.startswith("UPDATE api_keys")]) == 1
    assert own.list()[0].last_used_time == first

    later = bench.clock.advance(61)
    check.note_use(own.list()[0])
    assert own.list()[0].last_used_time == later


@pytest.mark.parametrize(
    ("name", "scopes", "told"),
    [("a b", ("read",), "name"), ("ci", (), "scope"), ("ci", ("reed",), "'reed'"), ("ci", "read", "scope")],
)
def test_a_key_that_cannot_be_is_refused(own: Keys, name: str, scopes: tuple[str, ...], told: str) -> None:
    with pytest.raises(PayloadError, match=told):
        own.create(name, scopes)


def test_a_namespace_has_no_more_keys_than_it_may(own: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 2)
    first = made(own)
    made(own)
    with pytest.raises(QuestConflict, match="can have no more"):
        made(own)

    own.revoke(first.key.key_id)
    made(own)


def test_once_a_key_was_made_that_is_known_for_good(bench: Workbench, own: Keys) -> None:
    """Or a gateway would open to everybody when its last key expires."""
    check = KeyCheck(bench.database)
    assert not check.any_made()
    own.revoke(made(own).key.key_id)
    assert check.any_made()
    assert KeyCheck(bench.database).any_made()
