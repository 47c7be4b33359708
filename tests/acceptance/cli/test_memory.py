"""What Lords remember, looked at and taken back by processes of their own."""

import asyncio

import pytest

from questline.memory import AgentState, StateStore
from tests.acceptance.cli.conftest import Shell


@pytest.fixture
def planned(shell: Shell) -> Shell:
    """A folder in whose store the planner has two versions, and a snapshot of the first."""

    async def save() -> None:
        async with StateStore(shell.database) as store:
            await store.save_agent_state(AgentState(agent_id="planner", state_data='{"goal": "ship"}'))
            await store.create_snapshot("planner", "before the change")
            await store.save_agent_state(AgentState(agent_id="planner", state_data='{"goal": "rest"}'))

    asyncio.run(save())
    return shell


def test_an_agent_is_taken_back_to_a_snapshot_and_purged(planned: Shell) -> None:
    (snapshot,) = planned("state", "snapshots", "planner", "-o", "json").data["items"]

    restored = planned("state", "restore", "planner", snapshot["snapshot_id"], "-o", "json")
    shown = planned("state", "show", "planner", "-o", "json")
    unasked = planned("state", "purge", "planner")
    purged = planned("state", "purge", "planner", "-y")

    assert (restored.code, shown.data) == (0, restored.data)
    assert (shown.data["version"], shown.data["state_data"]) == (3, '{"goal": "ship"}')
    assert (unasked.code, purged.code, planned("state", "show", "planner").code) == (2, 0, 4)
    assert planned.rows()["agent_state_versions"] == planned.rows()["state_snapshots"] == []


def test_agents_are_completed_in_the_shell(planned: Shell) -> None:
    def offered(line: str, **environment: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        ended = planned(**words, _QUESTLINE_COMPLETE="complete_bash", **environment)
        assert ended.err == ""
        return ended.out.split()

    assert offered("questline state show pl") == offered("questline state restore pl") == ["planner"]
    assert offered("questline state show pl", QUESTLINE_DATABASE_URL="sqlite:///elsewhere.db") == []
    assert offered("questline state show --prefix team pl") == []
    assert not (planned.folder / "elsewhere.db").exists()


def test_a_store_that_is_not_there_is_not_made_by_looking(empty_shell: Shell) -> None:
    for noun in ("state", "event", "context", "todo", "memory"):
        assert empty_shell(noun, "list", "-o", "json").data == {"items": [], "next_cursor": None}
        assert empty_shell(noun, "show", "@last").code == 4
    assert not empty_shell.database.exists()
