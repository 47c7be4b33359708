"""What an agent keeps, in ten patterns: start, save, list, history, snapshots, events, tasks, at once, safely, schema.

Run it with `python examples/seed_001.py`. It needs no server and leaves nothing behind: all of it works on an
`agents.db` in a folder for the time being.
"""

import asyncio
import json
import logging
import tempfile
from pathlib import Path

from questline.memory import AgentState, Conflict, Event, NotFound, StateStore, Task

logger = logging.getLogger("examples.seed_001")


async def initialize(path: Path) -> StateStore:
    """Open a store of one team; the file and its schema are made at first use."""
    store = StateStore(path, key_prefix="team-a", max_connections=10)
    await store.initialize()
    return store


async def known(store: StateStore, agent_id: str) -> AgentState:
    """Return the state of an agent that is there."""
    state = await store.load_agent_state(agent_id)
    if state is None:
        raise LookupError(agent_id)
    return state


async def save_and_load(store: StateStore) -> AgentState:
    """Save an agent, change it, and load both versions."""
    first = await store.save_agent_state(
        AgentState(agent_id="planner", name="Planner", state_data=json.dumps({"goal": "ship", "done": []}))
    )
    knows = json.loads(first.state_data) | {"done": ["read the issue"]}
    await store.save_agent_state(
        first.model_copy(update={"state_data": json.dumps(knows)}), expected_version=first.version
    )
    before = await store.load_agent_state("planner", version=1)
    now = await known(store, "planner")
    done = json.loads(now.state_data)["done"]
    logger.info("planner has done %s, and nothing as of version %s", done, before and before.version)
    return now


async def list_agents(store: StateStore) -> list[str]:
    """List the agents that are busy, after one has become so."""
    await store.save_agent_states([AgentState(agent_id="writer"), AgentState(agent_id="tester")])
    await store.update_agent_status("writer", "busy", reason="the plan is there")
    busy = [agent.agent_id for agent in await store.list_agents("busy")]
    logger.info("busy: %s; all: %s", busy, len(await store.list_agents()))
    return busy


async def track_transitions(store: StateStore) -> list[str]:
    """Note what an agent goes through, and read it back, newest first."""
    for old, new, reason in (("idle", "planning", "a goal"), ("planning", "acting", "a plan")):
        await store.record_state_transition("tester", old, new, reason)
    changes = await store.get_state_history("tester")
    history = [f"{one.state_before} -> {one.state_after}: {one.reason}" for one in changes]
    logger.info("tester: %s", "; ".join(history))
    return history


async def snapshot_and_restore(store: StateStore) -> AgentState:
    """Name a state before something risky, and come back to it."""
    snapshot_id = await store.create_snapshot("planner", "before the experiment", expires_in=3600)
    await store.save_agent_state(AgentState(agent_id="planner", state_data="ruined"))
    restored = await store.restore_snapshot(snapshot_id)
    logger.info("planner is back as of snapshot %s, as version %s", snapshot_id[-6:], restored.version)
    return restored


async def log_events(store: StateStore) -> list[str]:
    """Add what happens in a session, and find it by type and by words."""
    session = await store.start_session("planner", mission="ship it")
    await store.save_event(
        Event(
            session_id=session.session_id, event_type="message", actor_type="user", content="Please fix the login page"
        )
    )
    await store.save_event(
        Event(
            session_id=session.session_id,
            event_type="commit",
            actor_type="agent",
            actor_id="planner",
            content="Fix the login form",
            git_commit="4f2a9c1",
        )
    )
    await store.end_session(session.session_id)
    found = [event.content for event in await store.search_events("login -please")]
    logger.info("%s events; found: %s", len(await store.get_events(session.session_id)), found)
    return found


async def manage_tasks(store: StateStore) -> list[str]:
    """Hand a task out, and move it on."""
    task = await store.save_task(Task(title="Write the tests", assigned_to="tester"))
    await store.save_task(task.model_copy(update={"status": "in_progress"}), expected_version=task.version)
    open_tasks = [f"{one.title}: {one.status}" for one in await store.get_tasks("in_progress", assigned_to="tester")]
    logger.info("tester has %s", open_tasks)
    return open_tasks


def one_more(state: AgentState | None) -> AgentState:
    """Return a counter's next state."""
    return AgentState(agent_id="counter", state_data=str(int(state.state_data) + 1 if state else 1))


async def work_at_once(store: StateStore) -> int:
    """Count in many tasks at once: `update` begins anew where somebody else was quicker, so none is lost."""
    await asyncio.gather(*(store.update("counter", one_more, tries=100) for _ in range(10)))
    counter = await known(store, "counter")
    logger.info("counted to %s", counter.state_data)
    return int(counter.state_data)


async def save_all_or_none(store: StateStore) -> list[str]:
    """Save several agents in one transaction: one that somebody else has changed meanwhile stops all of them."""
    planner, writer = await known(store, "planner"), await known(store, "writer")
    await store.update_agent_status("writer", "idle")
    try:
        await store.save_agent_states([planner, writer], guarded=True)
    except Conflict as conflict:
        logger.info("nothing was saved: %s", conflict)
    try:
        await store.update_agent_status("nobody", "busy")
    except NotFound as error:
        logger.info("and: %s", error)
    return [str(one.version) for one in (planner, await known(store, "planner"))]


async def verify_migrations(store: StateStore) -> list[str]:
    """Look which changes of the schema were applied."""
    names = [migration.name for migration in await store.migrations() if migration.reverted_at is None]
    logger.info("%s migrations are applied, %s among them", len(names), "state_snapshots")
    return names


async def main() -> None:
    """Play all ten."""
    with tempfile.TemporaryDirectory() as folder:
        store = await initialize(Path(folder) / "agents.db")
        async with store:
            await save_and_load(store)
            await list_agents(store)
            await track_transitions(store)
            await snapshot_and_restore(store)
            await log_events(store)
            await manage_tasks(store)
            await work_at_once(store)
            await save_all_or_none(store)
            await verify_migrations(store)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(main())
