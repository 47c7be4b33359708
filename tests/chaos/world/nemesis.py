"""The nemesis: spreads the faults over the soak, each lane one after the other and the lanes side by side."""

import random
import sys
import threading
import time
import traceback

from tests.chaos.parameters import LANES, Fault, Parameters
from tests.chaos.world.admin import Admin
from tests.chaos.world.cluster import Cluster
from tests.chaos.world.feeder import Feeder
from tests.chaos.world.strikes import Strike, Striker

#: Longest time between a volley of quests and the fault that hits it, in seconds.
AIM_SECONDS = 0.25
#: How many times as long as planned the faults may take altogether, on a slow machine.
OVERTIME = 3.0
#: Seconds between two lines of progress.
PROGRESS_SECONDS = 30.0


class Nemesis:
    """Strikes.

    Parameters:
      cluster: what is struck.
      feeder: sends a volley ahead of each strike.
      admin: issues the verbs.
    """

    def __init__(self, cluster: Cluster, feeder: Feeder, admin: Admin) -> None:
        self._cluster = cluster
        self._feeder = feeder
        self._admin = admin
        self._stopping = threading.Event()
        self._begun = 0.0
        self.strikes: list[Strike] = []
        self.errors: list[str] = []

    def run(self) -> None:
        """Strike until all faults have been; an error in one lane ends them all."""
        parameters = self._cluster.parameters
        self._begun = time.monotonic()
        lanes = [threading.Thread(target=self._lane, args=(name,), name=f"chaos-{name}", daemon=True) for name in LANES]
        for lane in lanes:
            lane.start()
        deadline = self._begun + parameters.seconds * OVERTIME + 60.0
        for lane in lanes:
            while lane.is_alive() and time.monotonic() < deadline:
                lane.join(PROGRESS_SECONDS)
                self._tell(parameters)
        self._stopping.set()
        for lane in lanes:
            lane.join(30.0)
        if any(lane.is_alive() for lane in lanes):
            self.errors.append("the nemesis did not come to its end in time")

    def _lane(self, name: str) -> None:
        parameters = self._cluster.parameters
        draw = random.Random(f"{parameters.seed}:{name}")  # noqa: S311  (to be drawn again, not to be secret)
        striker = Striker(self._cluster, self._feeder, self._admin, draw, self._stopping)
        try:
            for due, fault in schedule(parameters, name, draw):
                if self._stopping.wait(max(0.0, self._begun + due - time.monotonic())):
                    return
                self._feeder.volley()
                self._stopping.wait(draw.uniform(0.0, AIM_SECONDS))
                self.strikes.append(striker.strike(fault))
        except Exception:  # noqa: BLE001  (told by whoever started us)
            self.errors.append(f"lane {name}: {traceback.format_exc()}")
            self._stopping.set()

    def _tell(self, parameters: Parameters) -> None:
        elapsed, accepted = time.monotonic() - self._begun, len(self._feeder.accepted)
        total = sum(parameters.faults.values())
        sys.stderr.write(f"[{elapsed:6.0f} s] {accepted} quests accepted, {len(self.strikes)} of {total} faults\n")


def schedule(parameters: Parameters, lane: str, draw: random.Random) -> list[tuple[float, Fault]]:
    """Return when each fault of a lane is due: evenly spread, in drawn order, with drawn distances."""
    faults = [fault for fault in LANES[lane] for _ in range(parameters.faults.get(fault, 0))]
    draw.shuffle(faults)
    step = parameters.seconds / max(1, len(faults))
    return [((number + draw.random()) * step, fault) for number, fault in enumerate(faults)]
