from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from questline_persistence.claims import REDISPATCH_FIRST, REDISPATCH_LONGEST, Doorbell
from questline_persistence.recovery import Bells
from questline_persistence.schema import tickets
from tests.contract.quests import LONG, Workbench, failure, quest, statements


def test_duratiq_6_a_step_whose_doorbell_was_lost_is_rung_again(bench: Workbench) -> None:
    submitted = bench.send(quest("a"))
    assert bench.bells.due() == []
    bench.clock.advance(REDISPATCH_FIRST)
    bells = bench.bells.due()

    assert [bell.quest_id for bell in bells] == [submitted.quest_id]
    assert bells[0] == submitted.doorbell


def test_a_ring_changes_no_fence(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.clock.advance(REDISPATCH_FIRST)
    before = bench.ticket(quest_id).fence
    bench.bells.due()

    assert bench.ticket(quest_id).fence == before


def test_the_wait_between_rings_doubles_and_is_capped(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.clock.advance(REDISPATCH_FIRST)
    waits = []
    for _ in range(12):
        assert len(bench.bells.due()) == 1
        assert bench.bells.due() == []
        waits.append(bench.ticket(quest_id).ring_at - bench.clock.now())
        bench.clock.advance(waits[-1])

    doubled = [REDISPATCH_FIRST * 2**number for number in range(9)]
    assert waits == pytest.approx([*doubled, REDISPATCH_LONGEST, REDISPATCH_LONGEST, REDISPATCH_LONGEST], abs=1e-3)


def test_the_wait_begins_anew_with_the_next_step(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    for _ in range(5):
        bench.clock.advance(LONG)
        bench.bells.due()
    bench.advance(quest_id, 1)

    ticket = bench.ticket(quest_id)
    assert (ticket.dispatches, ticket.ring_at) == (0, bench.clock.now() + REDISPATCH_FIRST)


def test_only_ready_steps_are_rung(bench: Workbench) -> None:
    running, held, ended = bench.submit("a"), bench.submit("a"), bench.submit("a")
    bench.claim(running)
    bench.controls.pause(held)
    bench.controls.cancel(ended)
    bench.clock.advance(LONG)

    assert bench.bells.due() == []


def test_a_step_is_not_rung_before_it_may_run(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET available_at = :later, ring_at = 0", later=bench.clock.now() + 5)

    assert bench.bells.due() == []
    bench.clock.advance(5)
    assert [bell.quest_id for bell in bench.bells.due()] == [quest_id]


def test_a_back_off_ends_with_a_ring(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.journal.fail(failure(bench.claim(quest_id), retry_in=50.0))
    bench.clock.advance(49.9)
    assert bench.bells.due() == []
    bench.clock.advance(0.2)

    assert [bell.quest_id for bell in bench.bells.due()] == [quest_id]


def test_a_batch_of_rings_is_bounded_and_goes_by_age(bench: Workbench) -> None:
    quest_ids = []
    for _ in range(6):
        quest_ids.append(bench.submit("a"))
        bench.clock.advance(1)
    bench.clock.advance(REDISPATCH_FIRST)

    found = [{bell.quest_id for bell in bench.bells.due(limit=2)} for _ in range(4)]
    assert found == [set(quest_ids[:2]), set(quest_ids[2:4]), set(quest_ids[4:]), set()]


def test_many_loops_at_once_ring_each_step_once(bench: Workbench) -> None:
    quest_ids = [bench.submit("a") for _ in range(60)]
    bench.clock.advance(REDISPATCH_FIRST)
    with ThreadPoolExecutor(4) as pool:
        rung = [bell.quest_id for bells in pool.map(lambda _: bench.bells.due(limit=20), range(8)) for bell in bells]

    rung += [bell.quest_id for bell in bench.bells.due()]
    assert sorted(rung) == sorted(quest_ids)


def test_rings_that_did_not_reach_the_broker_are_due_again(bench: Workbench) -> None:
    lost, other = bench.submit("a"), bench.submit("a")
    bench.clock.advance(REDISPATCH_FIRST)
    bells = bench.bells.due()
    bench.bells.ring_soon([bell for bell in bells if bell.quest_id == lost])

    assert [bell.quest_id for bell in bench.bells.due()] == [lost]
    assert bench.ticket(other).dispatches == 1


def test_a_ring_taken_back_touches_no_running_step(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id)
    before = bench.ticket(quest_id)
    bench.clock.advance(1)
    bench.bells.ring_soon([Doorbell(quest_id, 0, "0001")])

    assert bench.ticket(quest_id) == before


def test_all_ready_steps_are_rung_when_the_broker_has_lost_its_memory(bench: Workbench) -> None:
    ready, running = [bench.submit("a"), bench.submit("a")], bench.submit("a")
    bench.claim(running)

    assert bench.bells.ring_all() == 2
    assert sorted(bell.quest_id for bell in bench.bells.due()) == sorted(ready)


def test_duratiq_10_a_step_that_no_worker_knows_waits_and_is_offered_to_one_that_does(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    assert bench.bells.refuse(quest_id, 0, "0001", ["b:work"])
    assert bench.ticket(quest_id).refusals == 1
    assert bench.bells.due() == []

    assert bench.bells.ring_refused(["b:work"]) == 0
    assert bench.bells.ring_refused(["b:work", "a:work"]) == 1
    assert [bell.quest_id for bell in bench.bells.due()] == [quest_id]


def test_a_step_that_nobody_refused_keeps_its_back_off_when_a_worker_comes(bench: Workbench) -> None:
    before = bench.ticket(bench.submit("a")).ring_at

    assert bench.bells.ring_refused(["a:work"]) == 0
    assert [bench.ticket(one).ring_at for one in bench.quest_ids()] == [before]


def test_a_loop_does_not_wait_for_a_step_that_another_has_locked(postgres_url: str) -> None:
    """Only PostgreSQL locks rows; on SQLite one writer waits for the other."""
    bench = Workbench(postgres_url)
    locked, free = bench.submit("a"), bench.submit("a")
    bench.clock.advance(REDISPATCH_FIRST)
    with bench.database.engine.begin() as connection:
        connection.execute(select(tickets).where(tickets.c.quest_id == locked).with_for_update())
        assert [bell.quest_id for bell in bench.bells.due()] == [free]

    assert [bell.quest_id for bell in bench.bells.due()] == [locked]
    bench.close()


def test_a_refused_step_is_rung_within_a_second_while_a_worker_with_its_lord_lives(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.execute("UPDATE tickets SET ring_at = ring_at + 500")
    bench.worker(handlers=["a:work", "b:work"])
    bench.bells.refuse(quest_id, 0, "0001", ["b:work"])

    assert bench.ticket(quest_id).ring_at == pytest.approx(bench.clock.now() + 1.0)


@pytest.mark.parametrize(
    ("handlers", "lease"),
    [(["a:work"], -LONG), (["xa:work"], LONG), (["a:work2"], LONG), (["A:WORK"], LONG), (["axwork"], LONG), ([], LONG)],
)
def test_a_refused_step_keeps_its_back_off_while_no_worker_with_its_lord_lives(
    bench: Workbench, handlers: list[str], lease: float
) -> None:
    quest_id = bench.submit("a")
    bench.execute(
        "UPDATE tickets SET handler = 'a_work'" if handlers == ["axwork"] else "UPDATE tickets SET attempt = 0"
    )
    before = bench.ticket(quest_id).ring_at
    bench.worker(handlers=handlers, lease=lease)
    bench.bells.refuse(quest_id, 0, "0001", ["b:work"])

    assert bench.ticket(quest_id).ring_at == before
    bench.execute("UPDATE tickets SET handler = 'a:work'")


@pytest.mark.parametrize(
    ("epoch", "position", "handlers"), [(1, "0001", ["b:work"]), (0, "0002", ["b:work"]), (0, "0001", ["a:work"])]
)
def test_a_refusal_counts_only_for_the_step_that_was_offered(
    bench: Workbench, epoch: int, position: str, handlers: list[str]
) -> None:
    quest_id = bench.submit("a")

    assert not bench.bells.refuse(quest_id, epoch, position, handlers)
    assert bench.ticket(quest_id).refusals == 0


def test_a_refusal_counts_only_while_the_step_is_ready(bench: Workbench) -> None:
    quest_id, other = bench.submit("a"), bench.submit("a")
    bench.claim(quest_id)

    assert not bench.bells.refuse(quest_id, 0, "0001", ["b:work"])
    assert (bench.ticket(quest_id).refusals, bench.ticket(other).refusals) == (0, 0)


def test_a_waiting_step_becomes_ready_when_its_time_has_come(bench: Workbench) -> None:
    due, early, ready = (bench.submit("a") for _ in range(3))
    now = bench.clock.now()
    bench.execute("UPDATE tickets SET state = 'waiting', available_at = :t WHERE quest_id = :q", t=now, q=due)
    bench.execute("UPDATE tickets SET state = 'waiting', available_at = :t WHERE quest_id = :q", t=now + 9, q=early)

    assert bench.bells.wake() == 1
    assert [bench.ticket(one).state for one in (due, early, ready)] == ["ready", "waiting", "ready"]
    assert [bench.ticket(one).fence for one in (due, early, ready)] == [2, 1, 1]
    assert bench.bells.wake() == 0
    assert [bell.quest_id for bell in bench.bells.due()] == [due]


def test_who_rings_for_all_or_wakes_waits_for_no_step_that_another_has_locked(postgres_url: str) -> None:
    bench = Workbench(postgres_url)
    locked, free, asleep_locked, asleep = (bench.submit("a") for _ in range(4))
    change = "UPDATE tickets SET state = 'waiting', available_at = 0 WHERE quest_id IN (:one, :two)"
    bench.execute(change, one=asleep_locked, two=asleep)
    with bench.database.engine.connect() as somebody:
        rows = select(tickets).where(tickets.c.quest_id.in_([locked, asleep_locked]))
        somebody.execute(rows.with_for_update())

        assert bench.bells.ring_all() == 1
        assert bench.bells.wake() == 1
    assert {bell.quest_id for bell in bench.bells.due()} == {free, asleep}
    assert bench.bells.wake() == 1
    bench.close()


def test_everything_is_rung_for_in_batches_of_a_bounded_size(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_persistence.recovery.ticket_pages.PAGE", 2)
    quest_ids = [bench.submit("a") for _ in range(5)]

    with statements(bench.database) as sent:
        assert bench.bells.ring_all() == 5
    assert len([text for text in sent if text.startswith(("UPDATE", "WITH"))]) == 3
    assert {bell.quest_id for _ in range(3) for bell in bench.bells.due()} == set(quest_ids)


def test_ringing_for_everything_does_not_chase_what_another_relay_rings_meanwhile(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_persistence.recovery.ticket_pages.PAGE", 2)
    for _ in range(5):
        bench.submit("a")
    other = Bells(bench.database, bench.namespace)
    write, pages = bench.database.write, 0

    def written(work: Any, **options: Any) -> Any:
        nonlocal pages
        done = write(work, **options)
        if options["at"] == "ring_at":
            pages += 1
            assert pages <= 3, "each ticket is looked at once"
            other.due(now=bench.clock.now())
        return done

    monkeypatch.setattr(bench.database, "write", written)

    assert bench.bells.ring_all() == 5
