"""How long work stood still after each fault, measured from the database's own account."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.chaos.history.audit import Event
from tests.chaos.history.records import History
from tests.chaos.parameters import Fault, Parameters
from tests.chaos.world.strikes import Strike

#: Faults that stop others' work by so little that a measurement beside them counts as undisturbed.
LIGHT = frozenset({Fault.KILL_CHILD, Fault.KILL_SCHEDULER, Fault.VERB})
#: How long after its end a fault still counts as disturbing others, in seconds.
ECHO = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One wait in seconds, and whether no other fault was under way."""

    seconds: float
    alone: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """One claim from its grant until whatever ended it; `end` is that event's run state, or "" without a run."""

    grant: Event
    until: float
    end: str
    #: When the quest's next claim was granted, if its step was offered again.
    next_grant: float | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A ready ticket, from when it became so until its claim."""

    since: float
    granted: float


class Timeline:
    """Claims, offers and commits in the order of time.

    Parameters:
      history: what happened.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self.holds: defaultdict[str, list[Hold]] = defaultdict(list)
        self.offers: list[Offer] = []
        for events in history.events_of.values():
            self._read(events)
        self.offers.sort(key=lambda offer: offer.granted)

    @cached_property
    def commits(self) -> list[float]:
        """The times of all successes."""
        return sorted(event.at for event in self._history.commits.values())

    @cached_property
    def claims(self) -> list[float]:
        """The times of all claims."""
        return sorted(event.at for event in self._history.grants.values())

    def workers(self, pids: Sequence[int], before: float | None = None) -> set[str]:
        """Return the workers that were these processes, if given those that started before a moment."""
        return {
            worker.worker_id
            for worker in self._history.workers
            if worker.pid in pids and (before is None or worker.started_at <= before)
        }

    def waiting(self, at: float) -> list[Offer]:
        """Return the offers that nobody had taken at a moment."""
        return [offer for offer in self.offers if offer.since <= at < offer.granted]

    def first_claim_by(self, workers: set[str], after: float) -> float | None:
        """Return when one of these workers first claimed something."""
        times = [hold.grant.at for worker in workers for hold in self.holds.get(worker, []) if hold.grant.at >= after]
        return min(times, default=None)

    def _read(self, events: Sequence[Event]) -> None:
        """Read one quest's claims and offers from its events."""
        runs = {event.claim_id: event.state for event in events if event.kind == "run"}
        tickets = [event for event in events if event.kind == "ticket"]
        for index, event in enumerate(tickets[:-1]):
            after = tickets[index + 1]
            if event.op != "DELETE" and event.state == "ready" and after.state == "running":
                self.offers.append(Offer(event.at, after.at))
            begins = event.state == "running" and (index == 0 or tickets[index - 1].claim_id != event.claim_id)
            if event.op != "DELETE" and begins:
                self._hold(event, tickets[index + 1 :], runs)

    def _hold(self, grant: Event, later: Sequence[Event], runs: dict[str | None, str]) -> None:
        over = next((event for event in later if event.op == "DELETE" or event.claim_id != grant.claim_id), None)
        if over is None or grant.worker_id is None:
            return
        again = None
        if over.op != "DELETE" and over.state == "ready" and over.key == grant.key:
            follower = next((event for event in later if event.seq > over.seq), None)
            again = follower.at if follower is not None and follower.state == "running" else None
        self.holds[grant.worker_id].append(Hold(grant, over.at, runs.get(grant.claim_id, ""), again))


class Recovery:
    """Measures every strike.

    Parameters:
      history: what happened.
      strikes: which faults there were.
    """

    def __init__(self, history: History, strikes: Sequence[Strike]) -> None:
        self._time = Timeline(history)
        self._strikes = sorted(strikes, key=lambda strike: strike.begun)
        how = {
            Fault.KILL_CHILD: self._freed,
            Fault.LOSE_HOST: self._freed,
            Fault.FREEZE: self._freed,
            Fault.KILL_SUPERVISOR: self._successors,
            Fault.DEPLOY: self._gap,
            Fault.KILL_SCHEDULER: _nothing,
            Fault.VERB: _nothing,
        }
        self._how: dict[Fault, Callable[[Strike], list[float]]] = {
            fault: how.get(fault, self._first_commit if "POSTGRES" in fault.name else self._taken) for fault in Fault
        }

    def samples(self) -> dict[Fault, list[Sample]]:
        """Return the waits after each kind of fault."""
        found: dict[Fault, list[Sample]] = {fault: [] for fault in Fault}
        for strike in self._strikes:
            for seconds in self._how[strike.fault](strike):
                found[strike.fault].append(Sample(seconds, self._alone(strike, seconds)))
        return found

    def longest_wait(self) -> float:
        """Return the longest time that any ready step waited for its claim, in seconds."""
        return max((offer.granted - offer.since for offer in self._time.offers), default=0.0)

    def _alone(self, strike: Strike, seconds: float) -> bool:
        """Return whether no other fault was under way from a strike until its work went on."""
        until = max(strike.ended, strike.begun + seconds, strike.ended + seconds)
        return not any(
            other is not strike
            and other.fault not in LIGHT
            and other.begun <= until
            and other.ended + ECHO >= strike.begun
            for other in self._strikes
        )

    def _freed(self, strike: Strike) -> list[float]:
        """Return, for each step that the victims held and lost, the time from the strike until its next claim."""
        victims = self._time.workers(strike.pids, strike.begun)
        return [
            hold.next_grant - strike.begun
            for worker in victims
            for hold in self._time.holds.get(worker, [])
            if hold.grant.at <= strike.begun < hold.until and hold.end == "error" and hold.next_grant is not None
        ]

    def _successors(self, strike: Strike) -> list[float]:
        """Return the time until the new supervisor's workers claimed their first step."""
        first = self._time.first_claim_by(self._time.workers(strike.successors), strike.begun)
        return [] if first is None else [first - strike.begun]

    def _taken(self, strike: Strike) -> list[float]:
        """Return, for the steps that were ready when the fault was over, the time until the last was claimed."""
        waits = [offer.granted - strike.ended for offer in self._time.waiting(strike.ended)]
        return [max(waits)] if waits else []

    def _first_commit(self, strike: Strike) -> list[float]:
        """Return the time from the end of the fault to the first commit, if there was anything to commit."""
        index = bisect_right(self._time.commits, strike.ended)
        busy = self._time.waiting(strike.ended) or any(
            hold.grant.at <= strike.ended < hold.until for holds in self._time.holds.values() for hold in holds
        )
        return [self._time.commits[index] - strike.ended] if busy and index < len(self._time.commits) else []

    def _gap(self, strike: Strike) -> list[float]:
        """Return the longest time in which something was ready, and nothing was claimed."""
        until = strike.ended + ECHO
        longest = 0.0
        for offer in self._time.offers:
            if offer.granted < strike.begun or offer.since > until:
                continue
            index = bisect_left(self._time.claims, offer.granted)
            before = self._time.claims[index - 1] if index else strike.begun
            longest = max(longest, offer.granted - max(before, offer.since, strike.begun))
        return [longest]


def _nothing(_strike: Strike) -> list[float]:
    """Measure nothing: nobody waits for it."""
    return []


def promises(parameters: Parameters) -> dict[Fault, float]:
    """Return the longest wait, in seconds, that is promised after each fault, where one is."""
    broker = dict.fromkeys((Fault.FLUSH, Fault.RESTART_BROKER, Fault.STALL_BROKER), 5.0)
    store = dict.fromkeys((Fault.STOP_POSTGRES_FAST, Fault.STOP_POSTGRES_NOW, Fault.CUT_POSTGRES), 5.0)
    return {
        Fault.KILL_CHILD: 3.0,
        Fault.LOSE_HOST: parameters.takeover,
        Fault.FREEZE: parameters.takeover,
        Fault.DEPLOY: 3.0,
        **broker,
        **store,
    }
