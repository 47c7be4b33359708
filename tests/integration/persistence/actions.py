"""Everything that workers, loops, producers and admins ask of the store while quests run, one call each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from questline_persistence.claims import Claim, ClaimRequest, Doorbell
from questline_persistence.journal import insert_quests, prepare_quest
from questline_persistence.records.changes import ChangedQuests, FollowedQuests
from questline_persistence.recovery import Counter
from questline_persistence.store import Tries
from questline_worker.lords import Outputs
from tests.contract.quests import HANDLERS, LONG, Workbench, failure, quest
from tests.integration.persistence.crowd import LATER

Call = Callable[[], Any]

#: Waiting tickets are found by these, all else by its key.
READY, RUNNING, WAITING = "ix_tickets_ready", "ix_tickets_running", "ix_tickets_waiting"


@dataclass(frozen=True)
class Action:
    """One call.

    Parameters:
      prepare: makes the rows that it is about, and returns the call.
      through: the indexes by which it looks for rows that it has no key of.
      over_running: whether it looks at all steps that run, which are as many as the pool has threads.
    """

    prepare: Callable[[Workbench], Call]
    through: frozenset[str] = frozenset()
    over_running: bool = False


def _claimed(bench: Workbench, *lords: str) -> Claim:
    return bench.claim(bench.submit(*(lords or ("a", "b"))))


def _fenced(bench: Workbench) -> Claim:
    claim = _claimed(bench)
    bench.controls.cancel(claim.quest_id)
    return claim


def _claim(bench: Workbench) -> Call:
    request = bench.request(bench.submit("a", "b"))
    return lambda: bench.journal.claim(request)


def _claims(bench: Workbench) -> Call:
    requests = [bench.request(bench.submit("a", "b")) for _ in range(8)]
    return lambda: bench.journal._flush(requests)


def _claim_again(bench: Workbench) -> Call:
    claim, tries = _claimed(bench), Tries()
    request = ClaimRequest(claim.quest_id, claim.epoch, claim.position, claim.claim_id)
    run = bench.database.write if bench.database.dialect.name == "sqlite" else bench.database.statement
    tries.again()
    return lambda: run(lambda connection: bench.journal._claims(connection, [request], tries), at="claim")


def _checkpoint(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.finish(claim)


def _last_checkpoint(bench: Workbench) -> Call:
    claim = _claimed(bench, "a")
    return lambda: bench.finish(claim)


def _pausing_checkpoint(bench: Workbench) -> Call:
    claim = _claimed(bench)
    bench.controls.pause(claim.quest_id)
    return lambda: bench.finish(claim)


def _fenced_checkpoint(bench: Workbench) -> Call:
    claim = _fenced(bench)
    return lambda: bench.finish(claim)


def _push(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.finish(claim, None, "c", "d")


def _failure(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.journal.fail(failure(claim))


def _last_failure(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.journal.fail(failure(claim, retry_in=None))


def _fenced_failure(bench: Workbench) -> Call:
    claim = _fenced(bench)
    return lambda: bench.journal.fail(failure(claim))


def _release(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.journal.release(claim)


def _release_stray(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.journal.release_stray(claim.claim_id)


def _lose_worker(bench: Workbench) -> str:
    worker = bench.worker(process_id="lost", lease=LONG)
    bench.claim(bench.submit("a", "b"), worker)
    return worker.worker_id


def _sweep_of_lost(bench: Workbench) -> Call:
    lost = _lose_worker(bench)
    bench.execute("UPDATE workers SET lease_until = 0 WHERE worker_id = :lost", lost=lost)
    return bench.sweep.run


def _sweep_of_named(bench: Workbench) -> Call:
    lost = _lose_worker(bench)
    bench.register.declare_dead("lost")
    return lambda: bench.sweep.run(workers_of=[lost])


def _sweep_of_late(bench: Workbench) -> Call:
    bench.execute("UPDATE tickets SET deadline = 1 WHERE quest_id = :late", late=_claimed(bench).quest_id)
    return bench.sweep.run


def _overdue(bench: Workbench, state: str = "ready") -> None:
    change = "UPDATE tickets SET state = :state, ring_at = 1, available_at = 1 WHERE quest_id = :quest_id"
    for _ in range(3):
        bench.execute(change, state=state, quest_id=bench.submit("a"))


def _nothing_due(bench: Workbench, look: Call) -> Call:
    """Put off what other actions have left, and time has made due."""
    now = bench.clock.now()
    change = "UPDATE tickets SET ring_at = :later, available_at = :later WHERE ring_at < :soon"
    bench.execute(change, later=now + LATER, soon=now + LATER / 10)
    return look


def _due(bench: Workbench) -> Call:
    _overdue(bench)
    return lambda: bench.bells.due(limit=2)


def _due_in_process(bench: Workbench) -> Call:
    _overdue(bench)
    return lambda: bench.bells.due(limit=2, queues=["default", "other"])


def _wake(bench: Workbench) -> Call:
    _overdue(bench, "waiting")
    return bench.bells.wake


def _ring_soon(bench: Workbench) -> Call:
    bells = [Doorbell(bench.submit("a"), 0, "0001") for _ in range(3)]
    return lambda: bench.bells.ring_soon(bells)


def _ring_refused(bench: Workbench) -> Call:
    bench.bells.ring_refused(HANDLERS)  # those that other actions have left, whose time comes at any moment
    bench.bells.refuse(bench.submit("a"), 0, "0001", ["z:work"])
    return lambda: bench.bells.ring_refused(HANDLERS)


def _refuse(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    return lambda: bench.bells.refuse(quest_id, 0, "0001", ["z:work"])


def _bell_of(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    return lambda: bench.bells.bell_of(quest_id)


def _renew(bench: Workbench) -> Call:
    worker_id = bench.journal.worker_id
    return lambda: bench.register.renew(worker_id, LONG)


def _declare_dead(bench: Workbench) -> Call:
    bench.worker(process_id="dead", lease=LONG)
    return lambda: bench.register.declare_dead("dead")


def _leave(bench: Workbench) -> Call:
    worker_id = bench.worker(lease=LONG).worker_id
    return lambda: bench.register.leave(worker_id)


def _held(bench: Workbench) -> Call:
    worker_id = _claimed(bench).worker_id
    return lambda: bench.register.held([worker_id])


def _holds(bench: Workbench) -> Call:
    claim = _claimed(bench)
    return lambda: bench.register.holds(claim.quest_id, claim.claim_id)


def _submit_many(bench: Workbench) -> Call:
    now = bench.clock.now()
    batch = [prepare_quest(quest("a", "b"), namespace=bench.namespace, now=now) for _ in range(5)]
    return lambda: bench.database.write(lambda connection: insert_quests(connection, batch))


def _submit_again(bench: Workbench) -> Call:
    same = quest("a")
    bench.send(same, key=same.quest_id)
    return lambda: bench.send(same, key=same.quest_id)


def _pause(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    return lambda: bench.controls.pause(quest_id)


def _resume(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    bench.controls.pause(quest_id)
    return lambda: bench.controls.resume(quest_id)


def _cancel(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    return lambda: bench.controls.cancel(quest_id)


def _retry(bench: Workbench) -> Call:
    quest_id = bench.end("failed")
    return lambda: bench.controls.retry(quest_id)


def _replay(bench: Workbench) -> Call:
    quest_id = bench.end("completed", "a", "b")
    return lambda: bench.replay(quest_id, "b")


def _fork(bench: Workbench) -> Call:
    quest_id = bench.end("completed", "a", "b")
    return lambda: bench.fork(quest_id, "b")


def _delete(bench: Workbench) -> Call:
    quest_id = bench.end("completed", "a", "b")
    return lambda: bench.repository.delete_quest(quest_id)


def _output(bench: Workbench, name: str = "a") -> Call:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    outputs = Outputs(bench.repository, bench.claim(quest_id))
    return lambda: outputs[name]


def _status(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    return lambda: bench.repository.status(quest_id)


def _glance(bench: Workbench) -> Call:
    quest_id = bench.submit("a")
    return lambda: bench.repository.glance(quest_id)


def _follow(bench: Workbench) -> Call:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    followed = FollowedQuests(bench.database, bench.namespace)
    return lambda: followed.look({quest_id: 0})


def _changed(bench: Workbench) -> Call:
    changed = ChangedQuests(bench.database, bench.namespace)
    changed.look()
    bench.advance(bench.submit("a", "b"), 1)
    return changed.look


def _sweep(prepare: Callable[[Workbench], Call]) -> Action:
    return Action(prepare, frozenset({RUNNING}), over_running=True)


#: The indexes by which new rows are found, whatever there is besides; the audit of these stores is empty.
NUMBERED = frozenset({"pk_quest_snapshots", "pk_audit", "every row of audit"})
ACTIONS = {
    "claim": Action(_claim),
    "claim of a batch": Action(_claims),
    "claim sent again": Action(_claim_again),
    "checkpoint": Action(_checkpoint),
    "last checkpoint": Action(_last_checkpoint),
    "checkpoint that pauses": Action(_pausing_checkpoint),
    "fenced checkpoint": Action(_fenced_checkpoint),
    "checkpoint that pushes": Action(_push),
    "failure": Action(_failure),
    "last failure": Action(_last_failure),
    "fenced failure": Action(_fenced_failure),
    "release": Action(_release),
    "release of a stray": Action(_release_stray, frozenset({RUNNING})),
    "output": Action(_output),
    "sweep of nothing": _sweep(lambda bench: bench.sweep.run),
    "sweep of a lost worker": _sweep(_sweep_of_lost),
    "sweep of a named worker": _sweep(_sweep_of_named),
    "sweep of a late step": _sweep(_sweep_of_late),
    "due, nothing": Action(lambda bench: _nothing_due(bench, bench.bells.due), frozenset({READY})),
    "due": Action(_due, frozenset({READY})),
    "due in process": Action(_due_in_process, frozenset({READY})),
    "wake, nothing": Action(lambda bench: _nothing_due(bench, bench.bells.wake), frozenset({WAITING})),
    "wake": Action(_wake, frozenset({WAITING})),
    "ring soon": Action(_ring_soon),
    "ring refused": Action(_ring_refused, frozenset({"ix_tickets_refused"})),
    "refuse": Action(_refuse),
    "bell of a quest": Action(_bell_of),
    "enter": Action(lambda bench: lambda: bench.worker(lease=LONG)),
    "heartbeat": Action(_renew),
    "leave": Action(_leave, frozenset({RUNNING})),
    "declare dead": Action(_declare_dead, frozenset({RUNNING})),
    "held": Action(_held, frozenset({RUNNING})),
    "holds": Action(_holds),
    "count": Action(lambda bench: lambda: bench.counters.add(Counter.REDISPATCHED, 1)),
    "submit": Action(lambda bench: lambda: bench.submit("a", "b")),
    "submit many": Action(_submit_many),
    "submit with a key": Action(
        lambda bench: lambda: bench.send(quest("a"), "key"), frozenset({"uq_quest_executions_idempotency_key"})
    ),
    "submit again": Action(_submit_again, frozenset({"uq_quest_executions_idempotency_key"})),
    "pause": Action(_pause),
    "resume": Action(_resume),
    "cancel": Action(_cancel),
    "retry": Action(_retry),
    "replay": Action(_replay),
    "fork": Action(_fork),
    "delete": Action(_delete),
    "status": Action(_status),
    "glance": Action(_glance),
    "look at a followed quest": Action(_follow),
    "look for changed quests": Action(_changed, NUMBERED | {RUNNING}, over_running=True),
}
