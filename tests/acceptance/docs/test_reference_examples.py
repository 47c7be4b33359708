"""The examples of the reference run, as one story: Lords, a quest that runs in memory, then quests of a store."""

import ast
import asyncio
import json
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docstrings import read
from fastapi import FastAPI
from public_names import HOMES, PARTS, found, members_of

from questline import LordContext, QuestClient, QuestExecutor, lord
from questline.memory import StateStore
from questline_persistence.settings import load
from questline_scheduler import quest_types, step_defaults
from questline_scheduler.loops import make_loops
from questline_worker.lords import lords

EXAMPLES = {
    name: read(found(name)).sections["Example"]
    for part in PARTS.values()
    for entry in part
    for name in (entry, *(members_of(entry) if isinstance(found(entry), type) else ()))
    if "Example" in read(found(name)).sections
}
#: Those that stand in a handler, and those that end it.
WITHIN = [name for name in EXAMPLES if name.startswith(("LordContext", "Outputs"))]
RAISING = ("Permanent", "Retry", "Snooze")
#: Those that others build on.
FIRST = ("lord", "quest_type", "QuestExecutor", "run_step", "QuestClient", "ContextPersistence")


def run(name: str, names: dict[str, Any]) -> None:
    """Run an example; what it defines is put into `names`."""
    code = compile(EXAMPLES[name], name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    begun = eval(code, names)  # noqa: S307  (our own words)
    if begun is not None:
        asyncio.run(to_its_end(begun))


async def fetch(url: str) -> str:
    return url


async def to_its_end(begun: Awaitable[object]) -> None:
    await begun


@contextmanager
def batches_carried_out(client: QuestClient) -> Iterator[None]:
    """Do what a scheduler does, inside the block."""
    loops = make_loops(client.database, client.broker, load())
    loops.start()
    try:
        yield
    finally:
        loops.stop()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What an example may name; Lords, quest types and the folder are its own."""
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})
    monkeypatch.setattr(quest_types, "_TYPES", {})
    monkeypatch.chdir(tmp_path)
    public = {name: getattr(home, name) for home in HOMES for name in home.__all__}
    times = {"UTC": UTC, "datetime": datetime, "timedelta": timedelta}
    users = {"charge": dict, "ask_model": dict, "fetch": fetch, "session": None, "app": FastAPI()}
    return public | times | users | {"asyncio": asyncio, "json": json}


def test_the_examples_of_the_reference_run(names: dict[str, Any]) -> None:
    ran = []

    @lord("reviewer", "read")
    def read_file(_: LordContext, file: str) -> str:
        return file

    @lord("forge_master", "generate_code")
    def generate_code(ctx: LordContext) -> None:
        for name in WITHIN if ctx.position == "0002" else ():
            run(name, names | {"ctx": ctx})
            ran.append(name)

    for name in FIRST:
        run(name, names)
    assert (names["quest"].status, names["quest"].error) == ("completed", None)
    assert ran == WITHIN
    client, store = QuestClient(), StateStore("agents.db", key_prefix="acme")
    with client, store, QuestExecutor(repository=client.repository) as executor, batches_carried_out(client):
        kept = asyncio.run(executor.execute_quest(names["order"]))
        known = names | {"client": client, "repository": client.repository, "quest_id": kept.quest_id, "store": store}
        for name in [name for name in EXAMPLES if name not in {*FIRST, *WITHIN, *RAISING}]:
            own = dict(known)
            run(name, own)
            if "quests" in own:
                asyncio.run(own["quests"].close())


@pytest.mark.parametrize("name", RAISING)
def test_the_examples_that_end_a_step_raise_what_they_say(names: dict[str, Any], name: str) -> None:
    with pytest.raises(names[name]):
        run(name, names)
