"""The admin: issues verbs at random, notes what was answered, and mends what failed by design."""

import random
import threading
import time
from collections.abc import Callable
from typing import LiteralString

from questline_persistence.controls import Controlled
from questline_persistence.errors import QuestConflict, QuestlineError, StoreUnavailable
from tests.chaos.history.records import REFUSED, UNKNOWN, Verb
from tests.chaos.world.cluster import NAMESPACE, Cluster
from tests.chaos.world.feeder import Feeder

#: Quests from among which one is drawn: those accepted last, which are probably at work.
RECENT = 12
#: Longest pause of a quest, and longest wait for a running step to end, in seconds.
LONGEST_PAUSE, LONGEST_WAIT = 0.8, 8.0
#: Seconds between two looks for failed quests.
MEND_SECONDS = 0.5

_FAILED = "SELECT quest_id FROM quest_executions WHERE status = 'failed' AND namespace = %s"
_PAUSED = "SELECT quest_id FROM quest_executions WHERE status IN ('paused', 'pausing') AND namespace = %s"


class Admin:
    """Steers quests, and remembers what it was told.

    Parameters:
      cluster: where the quests are.
      feeder: knows which quests there are.
      draw: decides what is done.
    """

    def __init__(self, cluster: Cluster, feeder: Feeder, draw: random.Random) -> None:
        self._cluster = cluster
        self._client = cluster.client
        self._feeder = feeder
        self._draw = draw
        self._over = threading.Event()
        self._mender = threading.Thread(target=self._mend, name="chaos-mender", daemon=True)
        self.verbs: list[Verb] = []
        #: Errors other than a refusal or a store that was away.
        self.errors: list[str] = []

    def start(self) -> None:
        """Start mending."""
        self._mender.start()

    def stop(self) -> None:
        """Stop mending."""
        self._over.set()
        self._mender.join(LONGEST_WAIT * 10)

    def act(self) -> str:
        """Do one thing to one of the newest quests; return what."""
        recent = self._feeder.accepted[-RECENT:]
        if not recent:
            return "nothing"
        quest_id = self._draw.choice(recent).quest_id
        verb = self._draw.choice(("pause", "pause", "pause", "replay", "replay", "cancel"))
        if verb == "pause":
            self._pause(quest_id)
        elif verb == "replay":
            start = f"{self._draw.randint(1, 5):04d}"
            self._do("replay", quest_id, lambda: self._client.replay(quest_id, start))
        else:
            self._do("cancel", quest_id, lambda: self._client.cancel(quest_id, "chaos"))
        return f"{verb} {quest_id}"

    def resume_all(self) -> None:
        """Let every quest go on that is paused still, for instance since the reply to its resume was lost."""
        for quest_id in self._ids(_PAUSED):
            self._do("resume", quest_id, lambda quest_id=quest_id: self._client.resume(quest_id))  # type: ignore[misc]

    def _pause(self, quest_id: str) -> None:
        """Pause a quest, wait until it stands still, and let it go on after a while."""
        answer = self._do("pause", quest_id, lambda: self._client.pause(quest_id, "chaos"))
        if answer == REFUSED:
            return
        until = time.monotonic() + LONGEST_WAIT
        while answer == "pausing" and time.monotonic() < until and not self._over.wait(0.02):
            answer = self._look(quest_id)
        self._over.wait(self._draw.uniform(0.0, LONGEST_PAUSE))
        self._do("resume", quest_id, lambda: self._client.resume(quest_id))

    def _look(self, quest_id: str) -> str:
        """Look how a quest stands; the word "paused" is an answer that must be true."""
        sent = time.time()
        try:
            status = str(self._client.repository.status(quest_id))
        except StoreUnavailable:
            return UNKNOWN
        if status == "paused":
            self.verbs.append(Verb("look", quest_id, sent, time.time(), status))
        return status

    def _do(self, verb: str, quest_id: str, call: Callable[[], Controlled]) -> str:
        """Issue a verb and note the answer."""
        sent = time.time()
        answer, epoch = UNKNOWN, None
        try:
            done = call()
            answer, epoch = str(done.status), done.epoch
        except QuestConflict:
            answer = REFUSED
        except StoreUnavailable:
            pass
        except QuestlineError as error:
            self.errors.append(f"{verb} {quest_id}: {type(error).__name__}: {error}")
        finally:
            self.verbs.append(Verb(verb, quest_id, sent, time.time(), answer, epoch))
        return answer

    def _mend(self) -> None:
        """Open the gates of failed quests and have them tried again, until told to stop."""
        while not self._over.wait(MEND_SECONDS):
            for quest_id in self._ids(_FAILED):
                (self._cluster.gates / quest_id).touch()
                self._do("retry", quest_id, lambda quest_id=quest_id: self._client.retry(quest_id))  # type: ignore[misc]

    def _ids(self, query: LiteralString) -> list[str]:
        return self._cluster.ask(lambda connection: [row[0] for row in connection.execute(query, (NAMESPACE,))]) or []
