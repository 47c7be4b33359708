import threading
import time

import pytest

from questline_persistence import clock as module
from questline_persistence.clock import FIRST_READINGS, LARGEST_LEAD, RESYNC_SECONDS, Clock, Reading, rfc3339, uptime


class Store:
    """A database with a clock of its own, which answers after a while, by a time that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uptime, self.offset, self.readings = 100.0, 5_000.0, 0
        #: How long an answer is on its way to the database, and back.
        self.way = (0.0, 0.0)
        monkeypatch.setattr(module, "uptime", lambda: self.uptime)

    def read(self) -> Reading:
        self.readings += 1
        return Reading.of(self._tell)

    def _tell(self) -> float:
        self.uptime += self.way[0]
        told = self.uptime + self.offset
        self.uptime += self.way[1]
        return told

    def sync(self, clock: Clock) -> None:
        self.uptime += RESYNC_SECONDS + 0.001
        clock.refresh()

    @property
    def time(self) -> float:
        return self.uptime + self.offset


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(monkeypatch)


def test_the_clock_tells_the_time_that_it_read_and_reads_it_rarely(store: Store) -> None:
    clock = Clock(store.read)
    assert clock.now() == pytest.approx(5_100.0)
    store.uptime += RESYNC_SECONDS
    clock.refresh()
    assert clock.now() == pytest.approx(5_100.0 + RESYNC_SECONDS)
    assert store.readings == FIRST_READINGS
    store.uptime += 0.1
    assert clock.now() == pytest.approx(5_100.1 + RESYNC_SECONDS)
    assert store.readings == FIRST_READINGS  # only `refresh` asks again: `now` may be called while a connection is held
    clock.refresh()
    assert store.readings == FIRST_READINGS + 1


def test_the_machine_s_own_clock_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(lambda: Reading.of(lambda: 5_000.0))
    monkeypatch.setattr(time, "time", lambda: pytest.fail("the wall clock was read"))

    assert clock.now() == pytest.approx(5_000.0, abs=5)


def test_the_quickest_of_the_first_answers_is_believed(store: Store) -> None:
    ways = iter([(0.07, 0.0), (0.0001, 0.0001), (0.0, 0.05)])

    def read() -> Reading:
        store.way = next(ways)
        return store.read()

    assert Clock(read).now() == pytest.approx(store.time, abs=0.001)


def test_time_steps_not_back_where_a_slow_answer_comes_together_with_a_quick_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(lambda: Reading(5_100.0, 99.0, 100.0))
    clock.now()  # between 5,000 and 5,001 ahead
    met, go_on = threading.Event(), threading.Event()

    def uptime() -> float:
        if threading.current_thread() is slow and not met.is_set():
            met.set()
            go_on.wait(30)
        return store.uptime

    monkeypatch.setattr(module, "uptime", uptime)
    slow = threading.Thread(target=clock._sync, args=(Reading(5_100.4, 99.0, 100.4),))
    quick = threading.Thread(target=clock._sync, args=(Reading(5_100.99, 100.0, 100.0),))
    slow.start()
    assert met.wait(30), "it looks at what is known"
    quick.start()
    quick.join(0.2)
    go_on.set()
    for thread in (slow, quick):
        thread.join(30)
    assert clock.now() == pytest.approx(5_100.99)


def test_one_thread_asks_for_all(store: Store) -> None:
    clock = Clock(store.read)
    clock.now()
    store.uptime += RESYNC_SECONDS + 0.001
    with clock._asking:
        clock.refresh()
    assert store.readings == FIRST_READINGS
    clock.refresh()
    assert store.readings == FIRST_READINGS + 1


def test_a_slow_answer_spoils_no_quick_one(store: Store) -> None:
    clock = Clock(store.read)
    clock.now()
    for way in ((0.3, 0.0), (0.0, 0.3)):
        store.way = way
        store.sync(clock)
        assert clock.now() == pytest.approx(store.time, abs=0.001)


def test_a_clock_that_was_ahead_goes_slower_until_it_is_right_and_never_steps_back(store: Store) -> None:
    store.way = (0.8, 0.0)  # what the database told at the end of that is taken for its time in the middle
    clock = Clock(store.read)
    told = [clock.now()]
    assert told[0] - store.time == pytest.approx(0.4)
    store.way = (0.0, 0.0)
    store.sync(clock)
    for _ in range(100):
        told.append(clock.now())
        store.uptime += 0.01
    assert told == sorted(told)
    assert len({*told}) == len(told)  # nor does it stand still
    assert clock.now() == pytest.approx(store.time)


def test_a_database_whose_clock_was_set_is_followed(store: Store) -> None:
    clock = Clock(store.read)
    clock.now()
    for change in (3_600.0, -7_200.0, -2 * LARGEST_LEAD, 0.25):
        store.offset += change
        store.sync(clock)
        assert clock.now() == pytest.approx(store.time)


def test_a_drift_is_followed_without_a_step_back(store: Store) -> None:
    store.way = (0.002, 0.002)
    clock = Clock(store.read)
    told = [clock.now()]
    for _ in range(1_000):
        store.offset -= 0.0005  # 100 parts in a million
        store.sync(clock)
        told.append(clock.now())
        assert abs(told[-1] - store.time) <= 0.005
    assert told == sorted(told)


def test_the_time_in_which_the_machine_was_suspended_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert getattr(time, "CLOCK_BOOTTIME", module._RUNS_ON) == module._RUNS_ON
    slept, real = [0.0], time.clock_gettime
    monkeypatch.setattr(
        time, "clock_gettime", lambda which: real(which) + (slept[0] if which == module._RUNS_ON else 0.0)
    )
    clock = Clock(lambda: Reading.of(lambda: 5_000.0))
    before, begun = clock.now(), uptime()
    slept[0] = 3_600.0
    assert uptime() - begun >= 3_600.0
    assert clock.now() - before >= 3_600.0


def test_times_as_text_sort_as_times_do() -> None:
    seconds = [0.0, 0.5, 1.0, 999_999_999.999999, 1_000_000_000.0, 1_763_700_000.000001, 1_763_700_000.1, 4e9]

    texts = [rfc3339(one) for one in seconds]
    assert texts == sorted(texts)
    assert texts[1] == "1970-01-01T00:00:00.500000Z"
    assert len({len(text) for text in texts}) == 1


def test_a_clock_that_is_moved_is_known_at_once_though_another_thread_has_an_answer_of_before(store: Store) -> None:
    asked, answers, moving = threading.Event(), threading.Event(), threading.Event()

    def read() -> Reading:
        reading = store.read()
        if threading.current_thread() is slow:
            asked.set()
            answers.wait(30)
        return reading

    def move() -> None:
        store.offset += 3_600.0

    def follow() -> None:
        moving.set()
        clock.follow(move)

    slow = threading.Thread(target=(clock := Clock(read)).refresh)
    clock.now()
    store.uptime += RESYNC_SECONDS + 0.001
    slow.start()
    assert asked.wait(30)
    mover = threading.Thread(target=follow)
    mover.start()
    assert moving.wait(30)
    mover.join(0.2)
    answers.set()
    for thread in (slow, mover):
        thread.join(30)
    assert clock.now() == pytest.approx(store.time)
