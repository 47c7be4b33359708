from collections.abc import Iterator

import pytest

from questline import LordContext, QuestRepository, Retry, lord
from questline.testing import StagedExecutor
from questline_worker.lords import known_handlers

pytest_plugins = ["questline.pytest_plugin"]


@pytest.fixture
def registered_before() -> Iterator[list[str]]:
    """The Lords that are known before the test and must be behind it; to be asked for first."""
    before = known_handlers()
    yield before
    assert known_handlers() == before


def test_the_executor_works_on_the_store_and_its_clock_jumps(
    questline_executor: StagedExecutor, questline_store: QuestRepository
) -> None:
    @lord("plugged", "wait")
    def wait(ctx: LordContext) -> int:
        if ctx.attempt == 1:
            raise Retry(after=3600)
        return ctx.attempt

    ended = questline_executor.run({"quest_type": "test", "execution_stack": [wait]})

    assert questline_store.load_quest(ended.quest_id).output_data == 2


def test_what_a_test_registers_is_gone_behind_it(registered_before: list[str], questline_registry: None) -> None:  # noqa: ARG001  (it is asked for, and has no value)
    @lord("plugged", "in")
    def plug_in(_: LordContext) -> None: ...

    assert sorted([*registered_before, "plugged:in"]) == known_handlers()
