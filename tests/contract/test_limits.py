"""Every door of the store measures what comes in, and says what is too large, how large, and what raises the limit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.models import MAX_LABELS, MAX_STEPS, LordStep, QuestExecutionData
from questline_persistence.payload import Limit, Limits
from questline_persistence.records import QuestFilter, QuestRepository, quest_history
from questline_persistence.records.listing.quest_list import MAX_OFFSET, MAX_PAGE
from questline_persistence.records.quest_history import MAX_HISTORY
from questline_persistence.store import Database
from questline_scheduler.client import QuestClient
from tests.contract.quests import Workbench, quest, step

#: Limits so small that a test need not make much to pass them.
SMALL = Limits(
    input=Limit(2_000, "max_input_bytes"),
    params=Limit(3_000, "max_params_bytes"),
    stack=Limit(8_000, "max_stack_bytes"),
    output=Limit(4_000, "max_output_bytes"),
    state=Limit(9_000, "max_state_bytes"),
)


@pytest.fixture
def small(bench: Workbench) -> Workbench:
    """A store with small limits."""
    bench.database.limits = SMALL
    return bench


@pytest.fixture
def client(small: Workbench) -> Iterator[QuestClient]:
    """A producer's and admin's client of the store with small limits."""
    with QuestClient(database=small.database, broker_url="memory://") as client:
        yield client


def refusal(error: PayloadError, setting: str, *, limit: int) -> str:
    """Return an error's message, having seen that it names the limit and the setting that raises it."""
    assert f"{limit:,}" in error.message
    assert f"QUESTLINE_{setting.upper()}" in str(error.hint)
    return error.message


class Large(NamedTuple):
    """A quest of which one part is too large, and what is said of it."""

    quest: QuestExecutionData
    setting: str
    limit: int
    message: str


LARGE = [
    Large(quest("a", input_data={"x": "y" * 2_000}), "max_input_bytes", 2_000, "input_data is 2,008 bytes"),
    Large(
        quest(step("a"), step("b", params={"x": "y" * 3_000})),
        "max_params_bytes",
        3_000,
        "the params of step 0002 (b:work) is 3,008 bytes",
    ),
    Large(quest(*[step("a", params={"x": "y" * 2_900})] * 3), "max_stack_bytes", 8_000, "execution_stack is 9,"),
]


def within_a_transaction(client: QuestClient, large: QuestExecutionData) -> None:
    with client.database.engine.begin() as connection:
        client.submit(large, connection=connection)


@pytest.mark.parametrize("large", LARGE, ids=lambda large: large.setting)
@pytest.mark.parametrize(
    "door",
    [
        lambda client, large: client.submit(large),
        lambda client, large: client.submit({"quest_type": "test", **_written(large)}),
        lambda client, large: client.submit_many([quest("a"), large]),
        within_a_transaction,
        lambda client, large: client.repository.save_quest(large),
    ],
    ids=["submit", "submit a file", "submit_many", "submit within a transaction", "save_quest"],
)
def test_what_is_too_large_stays_outside_whichever_door_it_comes_to(
    small: Workbench, client: QuestClient, large: Large, door: Callable[[QuestClient, QuestExecutionData], Any]
) -> None:
    with pytest.raises(PayloadError) as refused:
        door(client, large.quest)

    assert large.message in refusal(refused.value, large.setting, limit=large.limit)
    assert small.quest_ids() == []


def _written(large: QuestExecutionData) -> dict[str, Any]:
    """Return a quest as it stands in a quest file."""
    return large.model_dump(mode="json", include={"input_data", "execution_stack"})


def test_a_quest_whose_stack_grew_after_it_was_made_is_measured_again(small: Workbench, client: QuestClient) -> None:
    long = quest("a")
    long.execution_stack.extend([step("a")] * MAX_STEPS)

    for door in (client.submit, small.repository.save_quest):
        with pytest.raises(PayloadError, match="has 10,000 steps; the limit is 9,999"):
            door(long)
    assert small.quest_ids() == []


@pytest.mark.parametrize(
    "labels",
    [
        {f"key{number}": "value" for number in range(MAX_LABELS + 1)},
        {"k" * 64: "value"},
        {"my key": "value"},
        {"key": "v" * 256},
        {"key": 3},
        {7: "value"},
    ],
)
def test_labels_put_on_a_quest_after_it_was_made_are_measured(
    small: Workbench, client: QuestClient, labels: dict[Any, Any]
) -> None:
    labelled = quest("a")
    labelled.labels.update(labels)

    for door in (client.submit, small.repository.save_quest):
        with pytest.raises(PayloadError, match=r"^labels"):
            door(labelled)
    assert small.quest_ids() == []


def test_a_saved_quest_may_not_grow_beyond_the_limits(small: Workbench) -> None:
    saved = quest("a", "b", "c")
    small.repository.save_quest(saved)
    before = small.everything(saved.quest_id)

    for change, setting, limit in (
        ({"run_data": dict.fromkeys("abc", "x" * 3_500)}, "max_state_bytes", 9_000),
        ({"output_data": "x" * 4_000}, "max_output_bytes", 4_000),
        ({"input_data": {"x": "y" * 2_000}}, "max_input_bytes", 2_000),
    ):
        with pytest.raises(PayloadError) as refused:
            small.repository.save_quest(saved.model_copy(update=change))
        refusal(refused.value, setting, limit=limit)
    with pytest.raises(PayloadError, match="run_data is"):
        small.repository.save_snapshot(saved.quest_id, dict.fromkeys("abc", "x" * 3_500))
    with pytest.raises(PayloadError, match="output_data is"):
        small.repository.save_lord_run(saved.quest_id, "a", "work", output_data="x" * 4_000)
    assert small.everything(saved.quest_id) == before


def test_the_error_of_a_saved_run_is_cut_and_made_fit_for_the_store(small: Workbench) -> None:
    saved = quest("a")
    small.repository.save_quest(saved)
    small.repository.save_lord_run(
        saved.quest_id, "a", "work", status="error", error_message="\0\ud800" + "x" * 100_000
    )
    small.repository.save_quest(saved.model_copy(update={"status": "failed", "error": "\0" + "x" * 100_000}))

    (run,) = small.repository.runs(saved.quest_id)
    assert len(run.error_message or "") == 20_000
    assert len(small.repository.load_quest(saved.quest_id).error or "") == 20_000


@pytest.mark.parametrize(
    ("correction", "setting"),
    [
        ({"input_data.x": "y" * 2_000}, "input"),
        ({"run_data.a": "y" * 4_000}, "output"),
        ({'run_data.a."more"': "y" * 3_000}, "output"),
        ({f"run_data.{name}": "y" * 3_500 for name in ("a", "c", "d")}, "state"),
    ],
)
@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_a_correction_may_not_make_anything_too_large(
    small: Workbench, client: QuestClient, correction: dict[str, Any], setting: str, verb: str
) -> None:
    quest_id = small.submit("a", "c", "d", "b")
    small.advance(quest_id, {"text": "z" * 1_500}, 1, 1)
    before = small.everything(quest_id)

    with pytest.raises(PayloadError) as refused:
        getattr(client, verb)(quest_id, "b", correction)

    refusal(refused.value, f"max_{setting}_bytes", limit=getattr(SMALL, setting).size)
    assert small.everything(quest_id) == before
    assert small.quest_ids() == [quest_id]


def test_pushed_steps_may_not_have_too_large_params(small: Workbench) -> None:
    quest_id = small.submit("a", "b")
    claim = small.claim(quest_id)
    before = small.everything(quest_id)

    with pytest.raises(PayloadError, match=r"the params of step 0001\.0001 \(c:work\) is 3,008 bytes") as one:
        small.finish(claim, None, step("c", params={"x": "y" * 3_000}))
    refusal(one.value, "max_params_bytes", limit=3_000)
    with pytest.raises(PayloadError, match="the list of params of the 3 steps that step 0001 pushes") as all_of_them:
        small.finish(claim, None, *[step("c", params={"x": "y" * 2_900})] * 3)
    refusal(all_of_them.value, "max_stack_bytes", limit=8_000)

    assert small.everything(quest_id) == before


def test_a_state_beyond_the_limit_is_not_read_and_the_quest_goes_on(small: Workbench, client: QuestClient) -> None:
    quest_id = small.submit("a", "b", "c", "d")
    small.advance(quest_id, "x" * 3_500, "x" * 3_500)
    assert len(small.repository.load_quest(quest_id).run_data) == 2
    small.advance(quest_id, "x" * 3_500)

    for read in (
        lambda: small.repository.load_quest(quest_id),
        lambda: small.repository.load_snapshot(quest_id),
        lambda: small.repository.outputs_at(quest_id, 0, 3),
        lambda: client.replay(quest_id, "d"),
        lambda: client.fork(quest_id, "v3"),
    ):
        with pytest.raises(PayloadError, match=f"the outputs of quest {quest_id} are 10,508 bytes") as refused:
            read()
        refusal(refused.value, "max_state_bytes", limit=9_000)
    assert small.repository.output(quest_id, 0, 3, "c") == f'"{"x" * 3_500}"'
    assert len(small.repository.load_snapshot(quest_id, 2).run_data) == 2
    small.advance(quest_id, "done")
    assert small.repository.status(quest_id) == "completed"
    small.database.limits = Limits()
    assert len(small.repository.load_quest(quest_id).run_data) == 4


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
def test_a_page_is_bounded(bench: Workbench, limit: int) -> None:
    with pytest.raises(PayloadError, match="limit must be 1 to 1,000"):
        bench.repository.page(limit=limit)


@pytest.mark.parametrize("offset", [-1, MAX_OFFSET + 1, 10**30])
def test_an_offset_is_bounded(bench: Workbench, offset: int) -> None:
    with pytest.raises(PayloadError, match="offset must be 0 to 100,000"):
        bench.repository.page(offset=offset)


@pytest.mark.parametrize("limit", [0, -1, MAX_HISTORY + 1])
@pytest.mark.parametrize("listed", ["runs", "snapshots"])
def test_a_history_is_bounded(bench: Workbench, listed: str, limit: int) -> None:
    quest_id = bench.submit("a")

    with pytest.raises(PayloadError, match="limit must be 1 to 10,000"):
        getattr(bench.repository, listed)(quest_id, limit=limit)


def test_a_long_history_is_never_cut_without_a_word(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quest_history, "MAX_HISTORY", 2)  # what a page may have
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2, 3)
    with QuestClient(bench.url, "memory://") as client:
        assert len(client.runs(quest_id)) == 3
        assert len(client.snapshots(quest_id)) == 4
        first = client.runs(quest_id, limit=2)
        assert [*first, *client.runs(quest_id, after=first[-1].run_id)] == client.runs(quest_id)
        rest = client.snapshots(quest_id, limit=2, after=1)
        assert [snapshot["version"] for snapshot in rest] == [2, 3]
        with pytest.raises(PayloadError, match="limit must be 1 to 2"):
            client.runs(quest_id, limit=3)


def test_a_history_is_read_page_by_page_without_a_gap(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2, 3)

    runs = bench.repository.runs(quest_id)
    assert bench.repository.runs(quest_id, limit=2) + bench.repository.runs(quest_id, after=runs[1].run_id) == runs
    whole = bench.repository.snapshots(quest_id)
    behind = bench.repository.snapshots(quest_id, after=whole[1]["version"])
    assert bench.repository.snapshots(quest_id, limit=2) + behind == whole


@pytest.mark.parametrize("moment", [-1.0, 99_999_999_999_999.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["since", "until"])
def test_a_time_that_no_quest_can_have_is_refused(name: str, moment: float) -> None:
    with pytest.raises(PayloadError, match=f"{name} is .* not a time from 1970 to 9999"):
        QuestFilter(**{name: moment})  # type: ignore[arg-type]  # since or until


def test_a_filter_asks_for_no_more_labels_than_a_quest_can_have(bench: Workbench) -> None:
    with pytest.raises(PayloadError, match="labels: 33 are too many"):
        bench.repository.list_quests(labels={f"key{number}": "value" for number in range(33)})


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_a_reason_is_bounded(small: Workbench, client: QuestClient, verb: str) -> None:
    quest_id = small.submit("a")

    with pytest.raises(PayloadError, match="the reason has 2,001 characters; the limit is 2,000"):
        getattr(client, verb)(quest_id, "x" * 2_001)
    assert getattr(client, verb)(quest_id, "x" * 2_000).changed


def test_the_settings_say_what_a_repository_and_a_client_take(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUESTLINE_MAX_INPUT_BYTES", "1000")
    large = quest(LordStep("a", "work"), input_data={"x": "y" * 1_000})

    with QuestRepository(database_url) as repository, pytest.raises(PayloadError, match="the limit is 1,000"):
        repository.save_quest(large)
    with QuestClient(database_url, "memory://") as client, pytest.raises(PayloadError, match="the limit is 1,000"):
        client.submit(large)
    assert Database(database_url).limits == Limits()


def test_a_repository_that_is_given_an_open_store_reads_no_settings(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_MAX_INPUT_BYTES", "no number")
    saved = quest(LordStep("a", "work"), input_data={"x": 1})

    QuestRepository(bench.database, namespace=bench.namespace).save_quest(saved)

    assert bench.repository.load_quest(saved.quest_id).input_data == {"x": 1}
