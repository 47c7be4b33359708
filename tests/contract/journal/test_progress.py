"""What a step says of its progress is seen while its claim holds, and costs a heartbeat's statement."""

from sqlalchemy import select

from questline_persistence.claims import Claim, Progress
from questline_persistence.recovery.register import MAX_MESSAGE
from questline_persistence.schema import tickets
from tests.contract.quests import LONG, Workbench, failure, statements


def tell(bench: Workbench, claim: Claim, fraction: float, message: str = "") -> None:
    bench.register.note_progress([Progress(claim.quest_id, claim.claim_id, fraction, message)])


def told(bench: Workbench, quest_id: str) -> list[tuple[float | None, str | None]]:
    return [(step.progress, step.progress_message) for step in bench.repository.load_quest(quest_id).steps]


NOTHING = (None, None)


def test_what_running_steps_say_is_seen_with_them(bench: Workbench) -> None:
    claims = [bench.claim(bench.submit("a", "b")) for _ in range(3)]
    bench.register.note_progress([Progress(one.quest_id, one.claim_id, 0.25, f"at {one.quest_id}") for one in claims])

    for claim in claims:
        assert told(bench, claim.quest_id) == [(0.25, f"at {claim.quest_id}"), NOTHING]
        assert bench.repository.glance(claim.quest_id).step_progress == (0.25, f"at {claim.quest_id}")
        assert bench.repository.load_quest(claim.quest_id).to_json()["steps"][0]["progress"] == 0.25


def test_the_next_claim_has_said_nothing_yet(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    first = bench.claim(quest_id)
    tell(bench, first, 0.9)
    bench.journal.fail(failure(first))
    assert told(bench, quest_id) == [NOTHING, NOTHING]
    second = bench.claim(quest_id)
    assert told(bench, quest_id) == [NOTHING, NOTHING]
    tell(bench, second, 0.1)
    assert told(bench, quest_id) == [(0.1, ""), NOTHING]
    bench.finish(second, 1)
    bench.claim(quest_id)
    assert told(bench, quest_id) == [NOTHING, NOTHING]
    assert bench.repository.glance(quest_id).step_progress is None


def test_a_claim_that_is_gone_says_nothing_of_the_one_that_came_after_it(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    late = bench.claim(quest_id)
    bench.sweep.run(now=bench.clock.advance(LONG))
    bench.claim(quest_id, bench.worker())
    before = bench.everything(quest_id)
    tell(bench, late, 0.5)

    assert bench.everything(quest_id) == before


def test_what_a_heartbeat_writes_of_steps_waits_for_none_that_somebody_has_locked(postgres_url: str) -> None:
    """Waited for, the lease of the whole process would run out."""
    bench = Workbench(postgres_url)
    locked, free = (bench.claim(bench.submit("a")) for _ in range(2))
    with bench.database.engine.connect() as somebody:
        somebody.execute(select(tickets).where(tickets.c.quest_id == locked.quest_id).with_for_update())
        bench.register.note_progress([Progress(one.quest_id, one.claim_id, 0.5, "half") for one in (locked, free)])
        assert not bench.journal.release_stray(locked.claim_id).won

    assert [told(bench, one.quest_id) for one in (locked, free)] == [[NOTHING], [(0.5, "half")]]
    assert bench.journal.release_stray(locked.claim_id).won
    bench.close()


def test_a_word_that_the_stores_cannot_hold_is_kept_as_they_can(bench: Workbench) -> None:
    claim = bench.claim(bench.submit("a"))
    tell(bench, claim, 1.0, "a\0b\ud800" + "x" * 2 * MAX_MESSAGE)

    ((fraction, message),) = told(bench, claim.quest_id)
    assert (fraction, str(message)[:4], len(str(message))) == (1.0, "a\ufffdb?", MAX_MESSAGE)


def test_nothing_to_tell_asks_the_store_nothing(bench: Workbench) -> None:
    with statements(bench.database) as sent:
        bench.register.note_progress([])
    assert sent == []
