"""Events: added by anybody, numbered in their session, found by type, commit and words."""

import pytest

from questline_persistence.errors import Conflict, PayloadError
from questline_persistence.memory.models import Event
from questline_persistence.memory.states import States


def event(content: str = "", **fields: object) -> Event:
    return Event(**{"session_id": "s", "event_type": "said", "content": content} | fields)  # type: ignore[arg-type]


def test_events_are_told_in_the_order_of_their_session(states: States) -> None:
    made = [
        states.save_event(event(text, session_id=session)) for text, session in (("a", "s"), ("b", "t"), ("c", "s"))
    ]

    assert [one.seq for one in made] == [1, 1, 2]
    assert states.get_events("s") == [made[0], made[2]]
    assert states.get_events("nothing") == []


@pytest.mark.parametrize("actor", ["user", "agent", "system", "User", "Agent", "System"])
def test_an_event_keeps_who_did_it_and_for_which_commit(states: States, actor: str) -> None:
    made = states.save_event(
        event("x", actor_type=actor, actor_id="me", git_commit="abc123", metadata={"deep": [{"a": None}]})
    )

    assert states.get_events("s") == [made]
    assert (made.actor_type, made.actor_id, made.git_commit) == (actor.lower(), "me", "abc123")
    assert states.get_events_by_commit("abc123") == [made]
    assert states.get_events_by_commit("abc") == []


def test_events_of_a_type_are_told_newest_first_a_page_at_a_time(states: States) -> None:
    made = [states.save_event(event(str(number), session_id=f"s{number % 2}")) for number in range(5)]
    states.save_event(event(event_type="done"))
    first = states.get_events_by_type("said", limit=3)
    rest = states.get_events_by_type("said", limit=3, cursor=first.next_cursor)

    assert [*first, *rest] == made[::-1]
    assert (states.get_events_by_type("sai"), states.get_events_by_type("%")) == ([], [])
    pages = states.get_events("s0", limit=2)
    assert [one.content for one in states.get_events("s0", limit=2, cursor=pages.next_cursor)] == ["4"]


def test_an_event_that_is_saved_again_under_its_id_is_that_event(states: States) -> None:
    first = states.save_event(event("a", event_id="e"))

    assert states.save_event(event("a", event_id="e")) == first
    with pytest.raises(Conflict, match="cannot save event e: there is event e already") as error:
        states.save_event(event("b", event_id="e"))
    assert error.value.current == first
    assert states.save_event(event("c")).seq == 2


def test_a_batch_of_events_is_added_in_its_order_as_a_whole_or_not_at_all(states: States) -> None:
    made = states.save_events(
        [event(text, event_id=text, session_id=s) for text, s in (("z", "s"), ("a", "s"), ("m", "t"))]
    )
    assert [(one.event_id, one.seq) for one in made] == [("z", 1), ("a", 2), ("m", 1)]

    with pytest.raises(Conflict, match="cannot save events: there is event a already") as error:
        states.save_events([event("new"), event("other", event_id="a")])
    assert error.value.current == made[1]
    assert len(states.get_events("s")) == 2
    again = states.save_events([event("z", event_id="z"), event("new")])
    assert [one.seq for one in again] == [1, 3]
    with pytest.raises(PayloadError, match="at most 1,000 events"):
        states.save_events(event(str(number)) for number in range(1_001))


def test_an_event_that_a_batch_has_twice_is_there_once(states: States) -> None:
    twice = [event("a", event_id="e1"), event("b", event_id="e2"), event("a", event_id="e1")]
    assert [one.seq for one in states.save_events(twice)] == [1, 2, 1]
    with pytest.raises(Conflict, match="event e3 is written twice"):
        states.save_events([event("a", event_id="e3"), event("b", event_id="e3")])
    assert [one.event_id for one in states.get_events("s")] == ["e1", "e2"]


def test_events_are_found_by_their_words_the_best_first(states: States) -> None:
    one = states.save_event(event("the quick brown fox"))
    two = states.save_event(event("quick quick", session_id="t", metadata={"colour": "brown"}))

    assert states.search_events("quick") == [two, one]
    assert states.search_events('"quick brown"') == [one]
    assert states.search_events("brown -fox") == [two]
    assert states.search_events("quick", session_id="s") == [one]
    assert states.search_events("qui*", limit=1) == [two]
    assert [states.search_events(query) for query in ("", "%", "-quick", "' OR 1=1 --")] == [[], [], [], []]
    assert states.search_events("quick").newest_only is False


def test_an_event_that_is_too_large_is_refused(states: States) -> None:
    with pytest.raises(PayloadError, match="it is 1,000,002 bytes; the limit is 1,000,000") as error:
        states.save_event(event("x" * 1_000_000))
    assert "QUESTLINE_MAX_MEMORY_BYTES" in str(error.value.hint)
    assert states.get_events("s") == []
