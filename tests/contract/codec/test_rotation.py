"""Payloads are sealed with the present key while everything goes on."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.keys import PayloadRotation, payload_rotation
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory import reading
from questline_persistence.memory.kept import Kept
from questline_persistence.payload import CLEAR, Codec
from tests.contract.codec.conftest import CANARY, stored
from tests.contract.codec.test_memory import a_save, an_entry, body_of
from tests.contract.codec.test_quests import a_quest, secret
from tests.contract.quests import Workbench
from tests.payload_codec import sealing


def rotated(bench: Workbench) -> dict[str, tuple[int, int]]:
    found = PayloadRotation(bench.database).run()
    return {one.table: (one.sealed, one.left) for one in found if one.sealed or one.left}


def filled(bench: Workbench) -> str:
    """A quest with a history and a replay, and some of what Lords remember; return the quest's id."""
    quest_id = a_quest(bench)
    bench.fail(quest_id, CANARY)
    bench.replay(quest_id, None, {"input_data.more": CANARY})
    bench.advance(quest_id, secret("output"), secret("b"))
    kept = Kept(bench.database, "default")
    for word in (CANARY, f"{CANARY} again"):
        kept.save(a_save(kept, AGENT_STATES, word=word))
    kept.save(a_save(kept, AGENT_STATES, word=CANARY))
    kept.enter(an_entry(kept, EVENTS))
    return quest_id


def read(bench: Workbench, quest_id: str) -> list[object]:
    """Return all that a quest and what is remembered beside it say."""
    found = bench.repository.load_quest(quest_id)
    runs = bench.repository.runs(quest_id)
    now = bench.clock.now()
    row = bench.database.read(
        lambda own: reading.latest(own, AGENT_STATES, Kept(bench.database, "default").key("key"), now)
    )
    assert row is not None
    return [
        *(found.input_data, found.run_data, [step.params for step in found.execution_stack]),
        [(run.input_data, run.output_data, run.error_message) for run in runs],
        [one.run_data for one in bench.snapshots(quest_id)],
        {name: getattr(row, name) for name in AGENT_STATES.body},
    ]


@pytest.mark.parametrize("before", ["in clear", "under another key"])
def test_after_a_rotation_the_present_key_is_enough(
    open_bench: Callable[..., Workbench], before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload_rotation, "LOOKED", 2)
    old: Codec = CLEAR if before == "in clear" else sealing("alpha")
    first = open_bench(codec=old)
    quest_id = filled(first)
    told = read(first, quest_id)
    rotating = open_bench(codec=sealing("beta", "alpha", compress_from=100))
    done = rotated(rotating)

    assert {"quest_executions", "quest_steps", "lord_runs", "quest_snapshots", "agent_state_versions", "events"} <= {
        *done
    }
    assert all(left == 0 for _, left in done.values())
    assert CANARY not in stored(first.database)
    assert "~q1.a.alpha." not in stored(first.database)
    assert read(open_bench(codec=sealing("beta")), quest_id) == told
    assert rotated(rotating) == {}
    assert told[-1] == body_of(AGENT_STATES)


def test_a_row_whose_key_is_not_there_is_left_and_told(open_bench: Callable[..., Workbench]) -> None:
    quest_id = a_quest(open_bench(codec=sealing("alpha")))
    found = [one for one in PayloadRotation(open_bench(codec=sealing("beta")).database).run() if one.left]

    assert [(one.table, one.sealed, one.left) for one in found] == [("quest_executions", 0, 1), ("quest_steps", 0, 1)]
    assert "encrypted with the key 'alpha'" in str(found[0].why)
    assert open_bench(codec=sealing("alpha")).repository.load_quest(quest_id).input_data == secret("input")


def test_a_row_that_is_written_meanwhile_stays_as_it_was_written(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = payload_rotation._anew

    def late(*arguments: Any) -> dict[str, str]:
        found = anew(*arguments)
        other.execute(
            "UPDATE quest_executions SET input_data = :text WHERE quest_id = :mine", text='{"a":1}', mine=mine
        )
        return found

    with (
        closing(Workbench(postgres_url, codec=sealing("alpha"))) as other,
        closing(Workbench(postgres_url, codec=sealing("beta", "alpha"))) as bench,
    ):
        mine = a_quest(other)
        monkeypatch.setattr(payload_rotation, "_anew", late)
        done = rotated(bench)

        assert "quest_executions" not in done
        assert bench.repository.load_quest(mine).input_data == {"a": 1}


def test_who_has_no_key_rotates_nothing(open_bench: Callable[..., Workbench]) -> None:
    with pytest.raises(ConfigurationError, match="names no key"):
        PayloadRotation(open_bench(codec=CLEAR).database)
