"""A listener's queue: in order, bounded, and over at once when it is to be."""

import asyncio

import pytest

from questline_gateway.live.listener import MOST_WAITING, TOO_SLOW, Ended, Listener
from questline_gateway.live.quest_events import seen_by


def test_what_is_put_comes_in_order_and_nothing_is_told_as_none() -> None:
    async def listen() -> list[int | None]:
        listener = Listener[int]()
        listener.put(1)
        listener.put(2)
        return [await listener.next(0) for _ in range(3)]

    assert asyncio.run(listen()) == [1, 2, None]


def test_who_lets_too_much_wait_is_cut_off_and_told_why() -> None:
    async def listen() -> None:
        listener = Listener[int]()
        for number in range(MOST_WAITING):
            listener.put(number)
        assert not listener.over.is_set()
        listener.put(MOST_WAITING)
        listener.end("for another reason")
        assert listener.over.is_set()
        with pytest.raises(Ended, match=TOO_SLOW):
            await listener.next(0)

    asyncio.run(listen())


@pytest.mark.parametrize(
    ("last", "seen"),
    [
        ("q:1:7", (7, False)),
        ("q:1:7:end", (7, True)),
        ("q:2:7", None),
        ("q:1:x", None),
        ("", None),
        ("q:1:" + "9" * 40, None),
    ],
)
def test_an_id_of_an_event_names_a_version_of_its_quest(last: str, seen: tuple[int, bool] | None) -> None:
    assert seen_by("q:1", last) == seen
