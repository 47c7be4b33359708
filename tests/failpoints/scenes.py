"""How each point is reached: what is prepared, what the victim is told, and what may be found afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory.kept import Kept
from questline_persistence.schema.memory_tables import events as events_table
from questline_persistence.writes import own_name
from tests.contract import lessons
from tests.contract.quests import HANDLERS
from tests.failpoints import lives
from tests.failpoints.ground import Ground
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.failpoints.orders import IN_THE_BODY, LORDS, RETURNED
from tests.failpoints.quests import hand_kept, three_steps


@dataclass(frozen=True)
class Scene:
    """One way to come by a point.

    `walks` tells that the victim itself works its way to the step; otherwise the quest stands there already. `ends`
    tells that the point comes after the step's commit.
    """

    prepare: Callable[[Ground, int], None]
    walks: bool = False
    ends: bool = False
    #: The option of the order that names the step's Lord: lacks, waits, fails, conflicts, calls or pushes.
    option: str | None = None
    stops: bool = False

    def order(self, step: int) -> dict[str, Any]:
        """Return what the victim is told about a step, counted from 1."""
        committed = (step if self.ends else step - 1) if self.walks else None
        option = {self.option: LORDS[step - 1]} if self.option else {}
        return {"after": committed, "stops": self.stops, **option}


@dataclass(frozen=True)
class VerbScene:
    """One verb of a client, called while the quest stands at a step.

    `done` tells from the store whether the verb took effect, and `finish` does what remains for a person to do then,
    given whether it did.
    """

    verb: str
    prepare: Callable[[Ground, int], None]
    done: Callable[[Ground], bool]
    finish: Callable[[Ground, bool], None]

    def order(self, step: int) -> dict[str, Any]:  # noqa: ARG002  the same for each
        return {"verb": self.verb}


def _submitted(ground: Ground, step: int) -> None:  # noqa: ARG001  the victim walks there
    """A quest waits, and its bell is rung."""
    ground.bench.send(three_steps(ground.quest))
    ground.ring(ground.quest)


def _unheard(ground: Ground, step: int) -> None:  # noqa: ARG001  the victim walks there
    """A quest waits, and its bell got lost."""
    ground.bench.send(three_steps(ground.quest))


def _standing(ground: Ground, step: int) -> None:
    """A quest stands ready at the step, and its bell is rung."""
    _quiet(ground, step)
    ground.ring(ground.quest)


def _quiet(ground: Ground, step: int) -> None:
    """A quest stands ready at the step, and its bell got lost."""
    ground.bench.send(three_steps(ground.quest))
    for name in LORDS[: step - 1]:
        claim = ground.bench.claim(ground.quest)
        assert ground.bench.finish(claim, {"lord": name, "saw": sorted(LORDS[: LORDS.index(name)])}).won


def _remembering(ground: Ground, step: int) -> None:
    """A quest stands ready at the step, its bell is rung, and each step before it has remembered something."""
    ground.bench.send(three_steps(ground.quest))
    for name in LORDS[: step - 1]:
        output = {"lord": name, "saw": sorted(LORDS[: LORDS.index(name)])}
        own = lessons.state(ground.bench, name, own_name(ground.quest, "notes"), owner=ground.quest)
        said = lessons.event(ground.bench, f"{ground.quest}:{name}", ground.quest, owner=ground.quest)
        lesson = lessons.lesson(ground.bench, f"{ground.quest}:{name}")
        shared = lessons.state(ground.bench, name, f"of {ground.quest}")
        lessons.step(ground.bench, ground.quest, shared, own, said, lesson, output=output)
    ground.ring(ground.quest)


def _remembering_cancelled(ground: Ground, step: int) -> None:
    _remembering(ground, step)
    ground.bench.controls.cancel(ground.quest)


def _orphaned(ground: Ground, step: int) -> None:
    """A dead worker holds the step."""
    _quiet(ground, step)
    ground.bench.claim(ground.quest, ground.bench.worker(handlers=HANDLERS, lease=0.0))


def bereft(ground: Ground, step: int) -> None:
    """A dead worker holds the step, and the bell of another quest, which it had fetched."""
    _quiet(ground, step)
    dead = ground.bench.worker(handlers=HANDLERS, lease=0.0)
    ground.bench.claim(ground.quest, dead)
    ground.bench.send(three_steps(f"{ground.quest}.other"))
    ground.ring(f"{ground.quest}.other")
    ground.fetch(dead.worker_id)


def _asleep(ground: Ground, step: int) -> None:
    """A quest waits for a time that has come."""
    _quiet(ground, step)
    ground.bench.execute("UPDATE tickets SET state = 'waiting' WHERE quest_id = :id", id=ground.quest)


def _paused(ground: Ground, step: int) -> None:
    _quiet(ground, step)
    ground.bench.controls.pause(ground.quest)


def _failed(ground: Ground, step: int) -> None:
    _quiet(ground, step)
    ground.bench.fail(ground.quest)


def _cancelled(ground: Ground, step: int) -> None:
    _quiet(ground, step)
    ground.bench.controls.cancel(ground.quest)


def _kept(ground: Ground, step: int) -> None:
    """A program keeps its quest itself; before the last step is saved, the quest is at it."""
    for done in range(step):
        ground.bench.repository.save_quest(hand_kept(ground.quest, done))


def _beside(ground: Ground, step: int) -> None:
    """Another quest stands at the step."""
    ground.bench.send(three_steps(f"{ground.quest}.other"))
    for name in LORDS[: step - 1]:
        claim = ground.bench.claim(f"{ground.quest}.other")
        assert ground.bench.finish(claim, {"lord": name, "saw": sorted(LORDS[: LORDS.index(name)])}).won


def _unmigrated(ground: Ground, step: int) -> None:
    """At the first step the store is blank; later there is a quest in it."""
    if step > 1:
        _quiet(ground, step)


def _submit(ground: Ground, done: bool) -> None:
    with ground.client() as client:
        assert lives.submit(client, ground.quest) is not done, "the key does not tell whether the quest was submitted"


def _submit_many(ground: Ground, done: bool) -> None:
    if not done:
        with ground.client() as client:
            lives.submit_many(client, ground.quest)


def _all_or_none(ground: Ground) -> bool:
    found = {quest_id for quest_id in ground.quest_ids() if quest_id != f"{ground.quest}.other"}
    assert found in (set(), {quest.quest_id for quest in lives.batch(ground.quest)}), "a batch was submitted in part"
    return bool(found)


def _pause(ground: Ground, done: bool) -> None:
    if done:
        with ground.client() as client:
            client.resume(ground.quest)


def _resume(ground: Ground, done: bool) -> None:
    if not done:
        with ground.client() as client:
            client.resume(ground.quest)


def _retry(ground: Ground, done: bool) -> None:
    if not done:
        with ground.client() as client:
            client.retry(ground.quest)


def _cancel(ground: Ground, done: bool) -> None:
    ground.expected[ground.quest] = "cancelled" if done else "completed"


def _replay(ground: Ground, done: bool) -> None:
    """The quest goes on; if its steps run again, what they have remembered is gone, and all of it is there if not."""
    there = [_has_kept(ground, key) for key in (f"of {ground.quest}", own_name(ground.quest, "notes"))]
    assert len(set(there)) == 1, "what was remembered is taken back in part"
    assert not (done and any(there)), "what was remembered is not taken back"


def _fork(ground: Ground, done: bool) -> None:
    """Both quests go on; the fork has a copy of its own, in which nothing is, of what was there of later steps."""
    copied = lessons.ops(ground.bench, own_name(f"{ground.quest}.fork", f"of {ground.quest}"))
    assert bool(copied) == (done and _has_kept(ground, f"of {ground.quest}"))


def _has_kept(ground: Ground, key: str) -> bool:
    return lessons.present(ground.bench, key) is not None


def _delete(ground: Ground, done: bool) -> None:
    assert not done or not _has_kept(ground, own_name(ground.quest, "notes"))
    with ground.client() as client:
        assert client.delete(ground.quest) is not done
    ground.expected.pop(ground.quest, None)


def _save(ground: Ground, done: bool) -> None:  # noqa: ARG001  either way the program goes on from what it finds
    with ground.client() as client:
        while client.get(ground.quest).status != "completed":
            lives.save(client, ground.quest)


def _remembered(ground: Ground) -> bool:
    kept = Kept(ground.bench.database, ground.namespace)
    events = select(events_table).where(events_table.c.event_id == ground.quest)
    count = len(kept.read(lambda own, _: own.execute(events).all()))
    states = sum(kept.load(AGENT_STATES, ground.quest, version=number) is not None for number in (1, 2))
    assert states == count <= 1, "a state and its event were kept in part"
    return bool(count)


def _remember(ground: Ground, done: bool) -> None:
    if not done:
        lives.remember(ground.bench.database, ground.namespace, ground.quest)
    assert _remembered(ground)
    assert_invariants(ground.database_url, REMEMBERED)


def _migrate(ground: Ground, done: bool) -> None:  # noqa: ARG001  to migrate again is harmless
    assert (
        ground.start(verb="migrate").wait() == RETURNED
    )  # in a process, since Alembic's context is one for all threads
    ground.expected[ground.quest] = "completed"
    if ground.quest not in ground.quest_ids():
        ground.bench.send(three_steps(ground.quest))


def _status_is(status: str) -> Callable[[Ground], bool]:
    return lambda ground: ground.status(ground.quest) == status


_WALK = Scene(_submitted, walks=True)
_WALKED = Scene(_submitted, walks=True, ends=True)
_BOOT = Scene(_standing)
_LOOP = Scene(_quiet)
_SWEEP = Scene(_orphaned)
_STOP = Scene(_standing, option="waits", stops=True)

#: By a transaction's name, a place, or a place's group.
SCENES: Mapping[str, Scene | VerbScene] = {
    "claim": _WALK,
    "checkpoint": _WALK,
    "once": Scene(_submitted, walks=True, option="calls"),
    "also": Scene(_submitted, walks=True, option="pushes"),
    # No other step is put off; and SQLite commits the batch of one that is, so that commits do not tell how far it is.
    "put_off": Scene(_submitted, option="conflicts"),
    "fail": Scene(_submitted, walks=True, option="fails"),
    "release": _STOP,
    "sweep_lost": _SWEEP,
    "sweep_free": _SWEEP,
    "due": _LOOP,
    "ring_at": _BOOT,
    "refuse": Scene(_submitted, walks=True, option="lacks"),
    "wake": Scene(_asleep),
    "enter": _BOOT,
    "renew": Scene(_standing, option="waits"),
    "leave": _STOP,
    "forget": _BOOT,
    "count": _SWEEP,
    "worker.boot": _BOOT,
    "worker.fetched": _WALK,
    "worker.claimed": _WALK,
    "worker.body": _WALK,
    IN_THE_BODY: _WALK,
    "worker.effect": _WALK,
    "worker.settled": _WALKED,
    "worker.rung": _WALKED,
    "worker.stopping": _STOP,
    "relay.due": _LOOP,
    "relay.rung": _LOOP,
    "sweep.found": _SWEEP,
    "broker.ring": Scene(_unheard, walks=True),
    "broker.fetch": _WALK,
    "broker.reclaim": _SWEEP,
    "submit": VerbScene("submit", _beside, lambda ground: ground.quest in ground.quest_ids(), _submit),
    "submit_many": VerbScene("submit_many", _beside, _all_or_none, _submit_many),
    "pause": VerbScene("pause", _standing, _status_is("paused"), _pause),
    "resume": VerbScene("resume", _paused, lambda ground: ground.status(ground.quest) != "paused", _resume),
    "cancel": VerbScene("cancel", _standing, _status_is("cancelled"), _cancel),
    "retry": VerbScene("retry", _failed, _status_is("running"), _retry),
    "replay": VerbScene("replay", _remembering, lambda ground: ground.epoch(ground.quest) == 1, _replay),
    "fork": VerbScene("fork", _remembering, lambda ground: f"{ground.quest}.fork" in ground.quest_ids(), _fork),
    "delete": VerbScene(
        "delete", _remembering_cancelled, lambda ground: ground.quest not in ground.quest_ids(), _delete
    ),
    "save": VerbScene("save", _kept, lambda ground: ground.versions(ground.quest) > ground.versions_before, _save),
    "remember": VerbScene("remember", _standing, _remembered, _remember),
    "migrate": VerbScene("migrate", _unmigrated, lambda ground: ground.migrated(), _migrate),
}


def scene_of(point: str) -> Scene | VerbScene:
    """Return how `point` is reached."""
    return SCENES.get(point) or SCENES[point.rpartition(".")[0]]
