"""The usage code that people know works as it stands, with only its import lines changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "seed_000.py"

BASIC_QUEST_EXECUTION = """
from questline import QuestExecutor, QuestExecutionData, LordStep
from questline import QuestRepository

# Create repository
repo = QuestRepository("quests.db")

# Create executor with persistence
executor = QuestExecutor(repository=repo)

# Build quest
quest_data = QuestExecutionData(
    quest_id="q-001",
    quest_type="design_microservice",
    input_data={"service": "AuthService"},
    execution_stack=[
        LordStep("architect", "design_system"),
        LordStep("forge_master", "generate_code"),
        LordStep("sentinel", "review_code"),
    ]
)

# Execute - state automatically saved after each Lord
result = await executor.execute_quest(quest_data)
"""

PAUSE_A_RUNNING_QUEST = """
# Pause a running quest
paused = await executor.pause_quest("q-001")

# Quest is now in PAUSED state
# Snapshot saved with current execution stack
"""

RESUME_IT_LATER = """
# Resume later (can be in different session)
executor = QuestExecutor(repository=repo)
result = await executor.resume_quest("q-001")

# Quest continues from where it left off
"""

REPLAY_FROM_THE_BEGINNING = """
# Replay entire quest from beginning
result = await executor.replay_quest("q-001")
"""

REPLAY_FROM_A_LORD = """
# Replay from specific Lord (e.g., after fixing bug)
result = await executor.replay_quest("q-001", from_lord="forge_master")
"""

QUERY_QUEST_HISTORY = """
# List all quests
quests = repo.list_quests(limit=100)

# Filter by status
completed = repo.list_quests(status=ExecutionStatus.COMPLETED, limit=50)
failed = repo.list_quests(status=ExecutionStatus.FAILED, limit=50)

# Pagination
page_1 = repo.list_quests(limit=20, offset=0)
page_2 = repo.list_quests(limit=20, offset=20)

# Load specific quest
quest_data = repo.load_quest("q-001")
"""

ANALYTICS = """
# Overall quest statistics
stats = repo.get_quest_stats()
# Returns: {
#     "total_quests": 150,
#     "completed": 120,
#     "failed": 15,
#     "running": 10,
#     "paused": 5,
#     "avg_duration_seconds": 12.5,
#     "max_duration_seconds": 45.2,
#     "min_duration_seconds": 2.1
# }

# Lord performance metrics
lord_stats = repo.get_lord_stats()
# Returns list of: {
#     "lord_name": "architect",
#     "tool_name": "design_system",
#     "total_runs": 50,
#     "successful": 48,
#     "errors": 2,
#     "success_rate": 96.0,
#     "avg_duration_seconds": 2.5,
#     "max_duration_seconds": 5.0,
#     "min_duration_seconds": 1.2
# }

# Filter by specific Lord
architect_stats = repo.get_lord_stats(lord_name="architect")
"""

ERROR_HANDLING = """
# Repository handles database errors
try:
    repo.save_quest(quest_data)
except Exception as e:
    logger.error(f"Failed to save quest: {e}")
    # Quest still in memory, can retry
"""

CLEANUP = """
# Delete old completed quests
old_quests = repo.list_quests(
    status=ExecutionStatus.COMPLETED,
    limit=100,
    offset=0
)

for quest in old_quests:
    if quest_is_old(quest):
        repo.delete_quest(quest['quest_id'])
"""

SNIPPETS = {
    "basic quest execution": BASIC_QUEST_EXECUTION,
    "pause a running quest": PAUSE_A_RUNNING_QUEST,
    "resume it later": RESUME_IT_LATER,
    "replay from the beginning": REPLAY_FROM_THE_BEGINNING,
    "replay from a lord": REPLAY_FROM_A_LORD,
    "query quest history": QUERY_QUEST_HISTORY,
    "analytics": ANALYTICS,
    "error handling": ERROR_HANDLING,
    "cleanup": CLEANUP,
}


def within(text: str) -> list[str]:
    """Return the lines of `text` with the outermost indentation taken away, empty ones left out."""
    return [line.removeprefix("    ") for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("snippet", SNIPPETS.values(), ids=list(SNIPPETS))
def test_the_example_holds_every_line_of_the_usage_code_in_order(snippet: str) -> None:
    wanted = [line for line in snippet.splitlines() if line.strip()]
    lines = within(EXAMPLE.read_text())

    found = [lines[start : start + len(wanted)] for start, line in enumerate(lines) if line == wanted[0]]

    assert wanted in found


def test_the_example_runs_and_tells_what_it_did(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUESTLINE_")}

    done = subprocess.run(
        [sys.executable, EXAMPLE], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "paused: q-001 is paused, epoch 0, 1 steps done, 2 to come" in done.stdout
    assert "still to come: forge_master, sentinel" in done.stdout
    assert "resumed: q-001 is completed, epoch 0, 3 steps done, 0 to come" in done.stdout
    assert "replayed from forge_master: q-001 is completed, epoch 2" in done.stdout
    assert "25 quests: 22 completed, 3 failed" in done.stdout
    assert "pages of 20 and 5" in done.stdout
    assert "Failed to save quest: input_data is not JSON" in done.stderr
    assert "saved at the second try" in done.stdout
    assert list(tmp_path.iterdir()) == []
