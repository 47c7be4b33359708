import time

import pytest

from questline_persistence.clock import RESYNC_SECONDS, Clock, rfc3339


def test_the_clock_tells_the_time_that_it_read_and_reads_it_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic, read = [100.0], []
    monkeypatch.setattr(time, "monotonic", lambda: monotonic[0])

    def database() -> float:
        read.append(1)
        return 5_000.0 + monotonic[0]

    clock = Clock(database)
    assert clock.now() == pytest.approx(5_100.0)
    monotonic[0] += RESYNC_SECONDS
    clock.refresh()
    assert clock.now() == pytest.approx(5_100.0 + RESYNC_SECONDS)
    assert len(read) == 1
    monotonic[0] += 0.1
    assert clock.now() == pytest.approx(5_100.1 + RESYNC_SECONDS)
    assert len(read) == 1  # only `refresh` asks again: `now` may be called while a connection is held
    clock.refresh()
    assert len(read) == 2


def test_the_machine_s_own_clock_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(lambda: 5_000.0)
    monkeypatch.setattr(time, "time", lambda: pytest.fail("the wall clock was read"))

    assert clock.now() == pytest.approx(5_000.0, abs=5)


def test_a_time_that_came_along_with_another_answer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    clock = Clock(lambda: pytest.fail("the clock was read though it had just been told"))
    clock.sync(7_000.0)

    assert clock.now() == pytest.approx(7_000.0)


def test_times_as_text_sort_as_times_do() -> None:
    seconds = [0.0, 0.5, 1.0, 999_999_999.999999, 1_000_000_000.0, 1_763_700_000.000001, 1_763_700_000.1, 4e9]

    texts = [rfc3339(one) for one in seconds]
    assert texts == sorted(texts)
    assert texts[1] == "1970-01-01T00:00:00.500000Z"
    assert len({len(text) for text in texts}) == 1
