"""One soak from beginning to end: start everything, break it for a while, let it settle, and judge the history."""

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.history.loader import load
from tests.chaos.history.records import History, Standstill
from tests.chaos.parameters import Fault, Parameters
from tests.chaos.recovery import Recovery, Sample
from tests.chaos.rules.checker import check, count
from tests.chaos.rules.violation import Harm, Violation
from tests.chaos.world.admin import Admin
from tests.chaos.world.cluster import Cluster
from tests.chaos.world.feeder import Feeder
from tests.chaos.world.nemesis import Nemesis
from tests.chaos.world.strikes import Strike
from tests.waiting import eventually

#: How many quests have not ended, and the number of the last change.
_LIVE = """
SELECT count(*), (SELECT max(seq) FROM chaos_audit) FROM quest_executions WHERE status NOT IN ('completed', 'cancelled')
"""


@dataclass
class Outcome:
    """What came of a soak."""

    parameters: Parameters
    history: History
    strikes: list[Strike]
    #: How long everything took, and how long the quests took to end after the last fault, in seconds.
    seconds: float
    drain_seconds: float
    errors: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    samples: dict[Fault, list[Sample]] = field(default_factory=dict)
    #: The longest time that a ready step waited for its claim, whatever was broken meanwhile, in seconds.
    longest_wait: float = 0.0

    @property
    def struck(self) -> Counter[Fault]:
        return Counter(strike.fault for strike in self.strikes)

    @property
    def harm(self) -> dict[Harm, int]:
        """How many quests were lost, doubled, stuck, or met a broken rule."""
        return count(self.violations)

    def summary(self) -> str:
        """Return what a test's output should show."""
        harm = ", ".join(f"{number} {harm}" for harm, number in self.harm.items())
        lines = [f"seed {self.parameters.seed}: {harm}; {self.seconds:.0f} s, drained in {self.drain_seconds:.1f} s"]
        lines += [*self.errors, *map(str, self.violations[:40])]
        return "\n".join(lines)


def evidence(default: Path) -> Path:
    """Return the folder for a soak's logs and ledger: that of the environment, or else `default`."""
    given = os.environ.get("QUESTLINE_SOAK_FOLDER")
    return Path(given) if given else default


def soak(parameters: Parameters, folder: Path) -> Outcome:
    """Run a soak; its logs and ledger stay in `folder`."""
    folder = evidence(folder)
    sys.stderr.write(f"\nchaos soak, seed {parameters.seed}, in {folder}\n")
    begun = time.monotonic()
    with Cluster(parameters, folder) as cluster:
        feeder = Feeder(cluster, sum(parameters.faults.values()) + 2 * parameters.faults.get(Fault.DEPLOY, 0))
        admin = Admin(cluster, feeder, random.Random(f"{parameters.seed}:verbs"))  # noqa: S311  (to be drawn again)
        nemesis = Nemesis(cluster, feeder, admin)
        feeder.start()
        admin.start()
        try:
            nemesis.run()
            feeder.finish()
            drained = _drain(cluster, admin)
        finally:
            admin.stop()
        history = load(
            cluster.database_url,
            cluster.ledger,
            plans=feeder.accepted,
            verbs=admin.verbs,
            standstills=_standstills(nemesis.strikes),
        )
    outcome = Outcome(parameters, history, nemesis.strikes, time.monotonic() - begun, drained)
    outcome.errors = [*nemesis.errors, *feeder.errors, *admin.errors]
    outcome.violations = check(history)
    recovery = Recovery(history, nemesis.strikes)
    outcome.samples, outcome.longest_wait = recovery.samples(), recovery.longest_wait()
    sys.stderr.write(f"{outcome.summary()}\n")
    _keep(outcome, folder)
    return outcome


def _drain(cluster: Cluster, admin: Admin) -> float:
    """Wait until every quest has ended, or nothing has happened for too long; return how long it took."""
    begun = time.monotonic()
    admin.resume_all()
    progress = Progress(cluster.parameters.idle)

    def settled() -> bool:
        row = cluster.ask(lambda connection: connection.execute(_LIVE).fetchone())
        return row is not None and (row[0] == 0 or progress.stalled(row[1]))

    try:
        eventually(settled, timeout=cluster.parameters.drain, interval=0.1)
    except AssertionError:
        sys.stderr.write("the drain was given up\n")
    if cluster.ask(lambda connection: connection.execute(_LIVE).fetchone()) is None or progress.over:
        sys.stderr.write(cluster.story() + "\n")  # the checker says which quests are stuck
    return time.monotonic() - begun


class Progress:
    """Tells whether something still happens.

    Parameters:
      patience: how long nothing may happen, in seconds.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: object = None
        self._since = time.monotonic()
        self.over = False

    def stalled(self, mark: object) -> bool:
        """Return whether `mark` has been the same for too long."""
        if mark != self._last:
            self._last, self._since = mark, time.monotonic()
        self.over = time.monotonic() - self._since > self._patience
        return self.over


def _standstills(strikes: list[Strike]) -> list[Standstill]:
    """Return when processes may have gone on with knowledge that was no longer true."""
    frozen = [
        Standstill(strike.begun, strike.ended, strike.pids[0]) for strike in strikes if strike.fault is Fault.FREEZE
    ]
    cut_off = [Standstill(strike.begun, strike.ended) for strike in strikes if strike.fault is Fault.NET_POSTGRES_HOLE]
    return frozen + cut_off


def _keep(outcome: Outcome, folder: Path) -> None:
    """Write down what happened, for whoever looks into a violation."""
    history = outcome.history
    records: dict[str, Iterable[Any]] = {
        "events": history.events,
        "runs": history.runs,
        "snapshots": history.snapshots,
        "verbs": history.verbs,
        "workers": history.workers,
        "kept": history.kept,
        "strikes": outcome.strikes,
    }
    for name, items in records.items():
        with (folder / f"{name}.jsonl").open("w") as file:
            file.writelines(json.dumps(asdict(item)) + "\n" for item in items)
    (folder / "verdict.txt").write_text(outcome.summary() + "\n")
