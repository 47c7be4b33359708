"""Fault 10: all workers are told to stop and others take over, under load, with code that lacks a Lord in use."""

import signal
from itertools import pairwise
from textwrap import dedent

from questline_persistence.states import RunStatus
from tests.acceptance.recovery.projects import LONG, Project, all_gone, descendants
from tests.integration.worker.pools import tell
from tests.waiting import eventually

#: How long a quest may stand still in a deploy, in seconds.
LONGEST_GAP = 3.0
#: A Lord that the old code and the newest have, and the code between them lacks.
RARE = dedent("""
    @lord("rare", "work")
    def rare(ctx: LordContext) -> str:
        return "rare"
""")


def _gaps(project: Project, quest_id: str) -> list[float]:
    """Return how long the quest stood still before each of its steps but the first."""
    entries = [entry for entry in project.ledger() if entry.key.startswith(f"{quest_id}:")]
    return [after.time - before.time for before, after in pairwise(entries) if after.word == "begin"]


def test_fault_10_a_deploy_under_load_loses_nothing_and_stops_no_quest_for_long(server_project: Project) -> None:
    project = server_project
    plain = (project.folder / "my_lords.py").read_text()
    project.write("my_lords.py", plain + RARE)
    old = project.start_pool(processes=1, threads=8)
    project.write("my_lords.py", plain)
    poorer = project.start_pool(processes=1, threads=8)
    quests = [project.submit(*["busy"] * 4, "rare", quest_id=f"deployed-{number}") for number in range(10)]
    eventually(lambda: len(project.times_begun()) > 10, timeout=LONG)
    leaving = descendants(old.pid)
    old.send(signal.SIGTERM)
    all_gone([*leaving, old.pid])
    eventually(lambda: all(len(project.successes(quest_id)) >= 4 for quest_id in quests), timeout=LONG)
    eventually(lambda: "lord_unknown" in project.log, timeout=LONG)
    project.write("my_lords.py", plain + RARE)
    project.start_pool(processes=1)
    poorer.send(signal.SIGTERM)
    for quest_id in quests:
        assert project.completed(quest_id).output_data == "rare"
        assert {run.status for run in project.client.runs(quest_id)} == {RunStatus.SUCCESS}
    gaps = sorted(gap for quest_id in quests for gap in _gaps(project, quest_id))
    p99 = gaps[int(len(gaps) * 0.99)]
    tell(f"gaps between steps: p50 {gaps[len(gaps) // 2]:.3f} s, p99 {p99:.3f} s")
    assert p99 <= LONGEST_GAP
    assert not old.running
    assert old._process.returncode == 0
