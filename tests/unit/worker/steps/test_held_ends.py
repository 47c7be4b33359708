"""Ends of steps that a lock holds up: each is written once, and none keeps others waiting that write something else."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from questline_persistence.claims import Claim, Settled, Succeeded
from questline_persistence.dialects import Overtime
from questline_persistence.errors import StoreUnavailable
from questline_persistence.kinds import AGENT_STATES, MEMORIES
from questline_persistence.writes import Enters, Key, Saves
from questline_worker.steps import HeldEnds, held_ends
from tests.unit.worker.conftest import MakeClaim
from tests.waiting import eventually


def saving(*names: str, owner: str | None = None) -> Succeeded:
    """Return how a step ends that saves agents."""
    return Succeeded("1", tuple(Saves(AGENT_STATES, Key("here", "", name), owner=owner) for name in names))


class Store:
    """What ends are written to: agents may be locked, and it counts the tries of each quest."""

    def __init__(self) -> None:
        self.locked: set[str] = set()
        self.tried: list[str] = []
        self.told: list[tuple[str, Settled | BaseException]] = []
        self.error: Exception | None = None
        self.held = HeldEnds(self.write, self.settled)

    def write(self, claim: Claim, outcome: Succeeded) -> Settled:
        self.tried.append(claim.quest_id)
        if self.locked & {write.key.name for write in outcome.also if isinstance(write, Saves)}:
            raise Overtime("canceling statement due to lock timeout", blocked=True)
        if self.error is not None:
            raise self.error
        return Settled(won=True)

    def settled(self, posted: Any) -> None:
        self.told += [(checkpoint.claim.quest_id, result) for checkpoint, result in posted]

    @property
    def written(self) -> list[str]:
        return [quest_id for quest_id, _ in self.told]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(held_ends, "PAUSE", 0.001)
    monkeypatch.setattr(held_ends, "IDLE_SECONDS", 0.01)
    return Store()


def test_an_end_waits_for_its_lock_and_is_written_once(store: Store, make_claim: MakeClaim) -> None:
    store.locked = {"hot"}
    assert store.held.take(make_claim(quest_id="one"), saving("hot"))
    eventually(lambda: len(store.tried) > 3)
    assert store.told == []

    store.locked = set()
    eventually(lambda: store.told == [("one", Settled(won=True))])


def test_ends_that_write_something_else_do_not_wait_for_it(store: Store, make_claim: MakeClaim) -> None:
    store.locked = {"hot"}
    for name in ("one", "two", "three"):
        store.held.take(make_claim(quest_id=name), saving("hot"))
    store.held.take(make_claim(quest_id="other"), saving("cold"))

    eventually(lambda: store.written == ["other"])
    store.locked = set()
    eventually(lambda: sorted(store.written) == ["one", "other", "three", "two"])


def test_only_what_writes_the_same_shared_keys_waits_without_a_try(store: Store, make_claim: MakeClaim) -> None:
    store.locked = {"hot"}
    one, other = make_claim(quest_id="one"), make_claim(quest_id="other")
    assert not store.held.holds_up(one, saving("hot"))
    both = Succeeded("1", (*saving("hot").also, *saving("one/own", owner="one").also))
    store.held.take(one, both)

    assert store.held.holds_up(other, saving("hot"))
    assert not store.held.holds_up(other, saving("hot", "cold"))
    assert not store.held.holds_up(other, saving("other/own", owner="other"))
    assert not store.held.holds_up(other, Succeeded("1"))
    assert not store.held.holds_up(other, Succeeded("1", (Enters(MEMORIES, "here", "", "m", {}),)))
    store.locked = set()
    eventually(lambda: store.written == ["one"])


def test_an_error_is_told_and_ends_the_wait(store: Store, make_claim: MakeClaim) -> None:
    store.error = StoreUnavailable("away")
    store.held.take(make_claim(quest_id="one"), saving("hot"))

    eventually(lambda: store.told == [("one", store.error)])
    store.error = None
    store.held.take(make_claim(quest_id="two"), saving("hot"))
    eventually(lambda: store.written == ["one", "two"])


def test_whoever_is_told_may_stumble(store: Store, make_claim: MakeClaim, monkeypatch: pytest.MonkeyPatch) -> None:
    tell, stumble = store.settled, threading.Event()

    def told(posted: Any) -> None:
        tell(posted)
        if not stumble.is_set():
            stumble.set()
            raise ValueError

    monkeypatch.setattr(store.held, "_settled", told)
    for name in ("one", "two"):
        store.held.take(make_claim(quest_id=name), saving("hot"))
    eventually(lambda: store.written == ["one", "two"])


def test_no_more_ends_wait_than_there_is_room_for(
    store: Store, make_claim: MakeClaim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_ends, "MAX_HELD", 2)
    store.locked = {"hot"}
    take: Callable[[str], bool] = lambda name: store.held.take(make_claim(quest_id=name), saving("hot"))  # noqa: E731

    assert [take(name) for name in ("one", "two", "three")] == [True, True, False]
    store.locked = set()
    eventually(lambda: sorted(store.written) == ["one", "two"])
    assert take("three")
    eventually(lambda: "three" in store.written)
