"""Lords that an executor does not know, and who runs their steps."""

import asyncio

import pytest

from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor, runnable_steps
from questline_worker.lords import LordContext, lord
from questline_worker.middleware import lease
from tests.integration.worker.executor.awaiting import run
from tests.integration.worker.executor.gate import Gate
from tests.integration.worker.pools import LONG, Pool, quest
from tests.waiting import eventually


@pytest.mark.parametrize("where", ["memory", "store"])
def test_a_quest_with_an_unknown_lord_is_refused_with_the_nearest_name_and_not_stored(
    repo: QuestRepository, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    @lord("architect", "design")
    def design(_: LordContext) -> None: ...

    with QuestExecutor(repository=repo if where == "store" else None) as executor:
        stack = [LordStep("architect", "design"), LordStep("architect", "desing")]
        with pytest.raises(PayloadError, match="architect:desing") as refused:
            run(executor.execute_quest(QuestExecutionData(quest_type="t", execution_stack=stack)))
        assert refused.value.hint == "did you mean 'architect:design'?"
        assert executor.repository.list_quests() == []
    assert "lord_unknown" not in caplog.text


def test_a_quest_that_comes_to_an_unknown_lord_is_left_as_it_is_and_goes_on_where_it_is_known(
    executor: QuestExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    @lord("pushing", "work")
    def pushing(context: LordContext) -> None:
        context.push(LordStep("later", "work"))

    one = quest("pushing")
    with pytest.raises(QuestConflict, match="later:work"):
        run(executor.execute_quest(one))
    assert executor.repository.status(one.quest_id) == "running"
    with pytest.raises(QuestConflict, match="later:work"):
        run(executor.resume_quest(one.quest_id))
    assert caplog.text.count("lord_unknown") <= 1

    lord("later", "work")(lambda _: "done")
    assert run(executor.resume_quest(one.quest_id)).output_data == "done"


def test_a_step_of_a_lord_that_a_live_worker_knows_is_run_there(
    pool: Pool, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.open.set()
    member = pool.start(threads=1)
    eventually(lambda: pool.client().register.known({"waiting:work"}), timeout=LONG)
    for module in (runnable_steps, lease):  # the executor knows one of the two
        monkeypatch.setattr(module, "known_handlers", lambda: ["blocking:work"])
    with QuestRepository(pool.database_url) as repo, QuestExecutor(repository=repo) as executor:
        done = run(executor.execute_quest(quest("blocking", "waiting", "blocking")))
        runs = repo.runs(done.quest_id)
    assert done.status == "completed"
    assert runs[1].worker_id == member.worker_id


def test_a_step_that_is_not_to_be_had_is_asked_for_ever_more_rarely(
    executor: QuestExecutor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(executor, "_run", lambda bell: asked.append(bell.position))
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(executor.execute_quest(quest("waiting")), 1.0))
    assert 1 <= len(asked) <= 12
    assert gate.begun == []
