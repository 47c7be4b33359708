"""The quests that the pages of the dashboard show in tests, with markup in every text that somebody may store."""

import asyncio
import html
import json
import re
from typing import Any

from questline import LordContext, LordStep, Quest, QuestExecutor, lord
from questline_persistence.records import QuestRepository

EVIL = "<script>alert('x')</script>"
#: A number that a browser's own numbers would round.
BIG = 9007199254740993


@lord("page_reader", "read")
def read(ctx: LordContext) -> Any:
    """Return a number that is large, by a call that runs once."""
    return ctx.once(f"count {EVIL}", dict, pages=3, big=BIG)


@lord("page_risks", "find", max_attempts=2)
def find(_ctx: LordContext, limits: dict[str, int]) -> str:
    """Fail where too much is asked for."""
    if limits["most"] > 10:
        raise ValueError(f"too many: {EVIL}")
    return EVIL


def quest_of(most: int, quest_id: str, **more: object) -> Quest:
    """Return a quest of two steps, the second of which fails with more than 10."""
    steps = [LordStep("page_reader", "read"), LordStep("page_risks", "find", backoff_seconds=0)]
    data = {"limits": {"most": most, "cost": BIG}, EVIL: EVIL}
    fields = {"quest_type": "review", "input_data": data, "execution_stack": steps, "labels": {"team": EVIL}}
    return Quest(quest_id=quest_id, **{**fields, **more})


def edited(most: int) -> str:
    """Return the input of a quest as JSON, with another limit."""
    return json.dumps(quest_of(most, "edited").input_data)


def run(repository: QuestRepository, *quests: Quest) -> None:
    """Run quests to their ends in this process."""

    async def all_of_them() -> None:
        with QuestExecutor(repository=repository) as executor:
            await asyncio.gather(*map(executor.execute_quest, quests), return_exceptions=True)

    asyncio.run(all_of_them())


def text_of(page: str) -> str:
    """Return what a page says."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page)))
