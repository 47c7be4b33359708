"""A program that runs quests in its own process, several at a time, on the store that workers use as well."""

import asyncio
import os
import signal

from questline import QuestExecutor, QuestRepository
from questline_persistence.errors import QuestNotFound
from tests.chaos import lords  # noqa: F401  (registers the Lords)
from tests.chaos.embedded.work import Work, told
from tests.chaos.plan import QuestPlan

#: Quests that are under way at a time.
AT_ONCE = 4


async def execute(work: Work) -> None:
    """Run what is left, `AT_ONCE` quests at a time."""
    with (
        QuestRepository(
            os.environ["QUESTLINE_DATABASE_URL"], namespace=os.environ["QUESTLINE_NAMESPACE"]
        ) as repository,
        QuestExecutor(repository=repository) as executor,
    ):
        places = asyncio.Semaphore(AT_ONCE)

        async def one(plan: QuestPlan) -> None:
            async with places:
                if not _is_there(repository, plan):
                    await executor.execute_quest(plan.quest())
                work.acknowledged.note(plan.number)

        await asyncio.gather(*map(one, work.left()))


def _is_there(repository: QuestRepository, plan: QuestPlan) -> bool:
    """Return whether an earlier life of this program has begun a quest: then workers take it up."""
    try:
        repository.status(plan.quest_id)
    except QuestNotFound:
        return False
    return True


def main() -> None:
    """Run all quests; then wait to be ended."""
    asyncio.run(execute(told()))
    signal.pause()


if __name__ == "__main__":
    main()
