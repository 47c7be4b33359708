"""Half a surrogate pair is text that no store can hold: every door says so, and where it came in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from questline_persistence.errors import PayloadError, QuestlineError, QuestNotFound
from questline_persistence.models import LordStep, QuestExecutionData
from questline_scheduler.client import QuestClient
from tests.contract.quests import Workbench, quest

#: What Python makes of a byte that is no UTF-8, for example in an argument of the command line.
HALF = "a\udc80b"

Door = Callable[[QuestClient], object]


def changed(**fields: Any) -> QuestExecutionData:
    """Return a quest whose fields were changed after it was made, so that nobody has looked at them."""
    return quest("a").model_copy(update=fields)


def step(**fields: Any) -> LordStep:
    return LordStep("a", "work").model_copy(update=fields)


#: Each way of writing, and how the error names the place.
WRITES: dict[str, tuple[str, Door]] = {
    "id": ("quest_id", lambda client: client.submit(changed(quest_id=HALF))),
    "type": ("quest_type", lambda client: client.submit(changed(quest_type=HALF))),
    "input": ("input_data.x", lambda client: client.submit(changed(input_data={"x": HALF}))),
    "key of the input": ("input_data", lambda client: client.submit(changed(input_data={HALF: 1}))),
    "params": ("params.x", lambda client: client.submit(changed(execution_stack=[step(params={"x": HALF})]))),
    "lord": ("", lambda client: client.submit(changed(execution_stack=[step(lord_name=HALF)]))),
    "label": ("labels.k", lambda client: client.submit(changed(labels={"k": HALF}))),
    "idempotency key": ("idempotency_key", lambda client: client.submit(quest("a"), idempotency_key=HALF)),
    "idempotency key of a quest": ("idempotency_key", lambda client: client.submit(changed(idempotency_key=HALF))),
    "origin": ("forked_from", lambda client: client.submit(changed(forked_from=HALF))),
    "many": ("labels.k", lambda client: client.submit_many([quest("a"), changed(labels={"k": HALF})])),
    "file": ("quest_id", lambda client: client.submit({"quest_type": "t", "quest_id": HALF})),
    "pause": ("the reason", lambda client: client.pause("there", HALF)),
    "cancel": ("the reason", lambda client: client.cancel("there", HALF)),
    "fork": ("is not an id", lambda client: client.fork("there", quest_id_new=HALF)),
    "correction": ("input_data.x", lambda client: client.replay("there", set={"input_data.x": HALF})),
    "path": ("input_data", lambda client: client.replay("there", set={f"input_data.{HALF}": 1})),
    "save": ("run_data.a", lambda client: client.repository.save_quest(changed(run_data={"a": HALF}))),
    "save again": ("labels.k", lambda client: client.repository.save_quest(_kept(client, labels={"k": HALF}))),
    "output": ("output_data", lambda client: client.repository.save_quest(_kept(client, output_data=HALF))),
    "time": ("udc80", lambda client: client.repository.save_quest(changed(created_at=HALF))),
    "run": ("lord_name", lambda client: client.repository.save_lord_run("kept", HALF, "x")),
    "tool of a run": ("tool_name", lambda client: client.repository.save_lord_run("kept", "a", HALF)),
    "output of a run": (
        "output_data",
        lambda client: client.repository.save_lord_run("kept", "a", "x", output_data=HALF),
    ),
    "status of a run": ("RunStatus", lambda client: client.repository.save_lord_run("kept", "a", "x", status=HALF)),
    "snapshot": ("run_data.a", lambda client: client.repository.save_snapshot("kept", {"a": HALF})),
    "filter": ("udc80", lambda client: client.list(quest_type=HALF)),
    "filter by label": ("labels.k", lambda client: client.list(labels={"k": HALF})),
    "cursor": ("is not a cursor", lambda client: client.repository.page(cursor=HALF)),
    "statistics": ("udc80", lambda client: client.lord_stats(HALF)),
}
#: Each way of asking for a quest that cannot be there.
READS: dict[str, Door] = {
    **{
        name: lambda client, name=name: getattr(client, name)(HALF)  # type: ignore[misc]  # a default, bound at once
        for name in (
            "get",
            "runs",
            "snapshots",
            "snapshot",
            "wait",
            "pause",
            "resume",
            "cancel",
            "retry",
            "replay",
            "fork",
        )
    },
    "status": lambda client: client.repository.status(HALF),
    "glance": lambda client: client.repository.glance(HALF),
    "short id": lambda client: client.repository.full_id(HALF),
    "end of an id": lambda client: client.repository.full_id(f"…{HALF}"),
    "newest of a type": lambda client: client.repository.full_id(f"@last:{HALF}"),
    "run": lambda client: client.repository.save_lord_run(HALF, "a", "x"),
    "snapshot to save": lambda client: client.repository.save_snapshot(HALF),
    "start": lambda client: client.replay("there", HALF),
}


def _kept(client: QuestClient, **fields: Any) -> QuestExecutionData:
    return client.get("kept").model_copy(update=fields)


@pytest.fixture
def client(bench: Workbench) -> Iterator[QuestClient]:
    """A client of a store with one quest that is submitted and one that is kept."""
    with QuestClient(bench.url, "memory://") as client:
        client.submit(quest("a", quest_id="there"))
        client.repository.save_quest(quest("a", quest_id="kept"))
        yield client


@pytest.mark.parametrize("door", WRITES)
def test_what_cannot_be_written_is_refused_by_name_and_nothing_changes(
    bench: Workbench, client: QuestClient, door: str
) -> None:
    place, write = WRITES[door]
    before = [bench.everything(quest_id) for quest_id in sorted(bench.quest_ids())]

    with pytest.raises(PayloadError) as refused:
        write(client)
    assert place in refused.value.message
    refused.value.advice.encode()  # and it can be printed
    assert [bench.everything(quest_id) for quest_id in sorted(bench.quest_ids())] == before


@pytest.mark.parametrize("door", READS)
def test_what_cannot_be_there_is_not_found(client: QuestClient, door: str) -> None:
    with pytest.raises(QuestNotFound) as refused:
        READS[door](client)
    refused.value.advice.encode()


def test_a_quest_that_cannot_be_there_has_no_rows_and_is_not_deleted(client: QuestClient) -> None:
    assert client.delete(HALF) is False
    assert client.repository.tickets(HALF) == []
    assert client.repository.load_latest_snapshot(HALF) is None


def test_an_error_is_kept_with_a_sign_in_the_place_of_the_half(client: QuestClient) -> None:
    client.repository.save_lord_run("kept", "a", "x", status="error", error_message=HALF)
    client.repository.save_quest(_kept(client, status="failed", error=HALF))

    assert client.runs("kept")[0].error_message == client.get("kept").error == "a?b"


def test_every_error_can_be_printed() -> None:
    error = QuestlineError(f"there is no {HALF}", hint=f"not {HALF}")

    assert str(error) == error.message == "there is no a\\udc80b"
    assert error.hint == "not a\\udc80b"
