"""Every verb that changes something leaves one entry in the audit, in its own transaction."""

from collections.abc import Callable, Mapping

import pytest

from questline_persistence.audit import AuditVerb
from questline_persistence.errors import QuestConflict
from tests.contract.quests import ACTOR, LONG, Workbench, lost_reply, statements


def paused(bench: Workbench) -> str:
    quest_id = bench.submit("a", "b")
    bench.controls.pause(quest_id)
    return quest_id


#: How a quest is made that a verb changes, and how the verb is done to it.
VERBS: Mapping[str, tuple[Callable[[Workbench], str], Callable[[Workbench, str], object]]] = {
    "pause": (lambda bench: bench.submit("a"), lambda bench, quest_id: bench.controls.pause(quest_id, "because")),
    "resume": (paused, lambda bench, quest_id: bench.controls.resume(quest_id, "because")),
    "cancel": (lambda bench: bench.submit("a"), lambda bench, quest_id: bench.controls.cancel(quest_id, "because")),
    "retry": (lambda bench: bench.end("failed"), lambda bench, quest_id: bench.controls.retry(quest_id, "because")),
    "replay": (lambda bench: bench.end("failed"), lambda bench, quest_id: bench.replay(quest_id, reason="because")),
    "fork": (
        lambda bench: bench.end("failed"),
        lambda bench, quest_id: bench.fork(quest_id, new_id="forked", reason="because"),
    ),
    "delete": (
        lambda bench: bench.end("completed"),
        lambda bench, quest_id: bench.repository.delete_quest(quest_id, reason="because"),
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_leaves_one_entry_that_says_who_what_when_why_and_from_where(bench: Workbench, verb: str) -> None:
    make, do = VERBS[verb]
    quest_id = make(bench)
    before = bench.audit()
    at = bench.clock.advance(1.0)

    do(bench, quest_id)

    entry, *rest = bench.audit()
    assert rest == before
    assert (entry.actor, entry.door, entry.address, entry.request_id) == (
        *(ACTOR.name, ACTOR.door, ACTOR.address, ACTOR.request_id),
    )
    assert (entry.verb, entry.quest_id, entry.reason) == (verb, quest_id, "because")
    assert entry.namespace == bench.namespace
    assert entry.to_json()["at"].endswith("Z")
    assert at > 0


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"retry", "replay"}))
def test_a_verb_whose_reply_was_lost_leaves_one_entry(bench: Workbench, verb: str) -> None:
    make, do = VERBS[verb]
    quest_id = make(bench)
    before = len(bench.audit())

    with lost_reply(bench.database):
        do(bench, quest_id)

    assert [entry.verb for entry in bench.audit()[: len(bench.audit()) - before]] == [verb]


def test_a_verb_that_changes_nothing_leaves_no_entry(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    bench.controls.pause(quest_id)
    cancelled = bench.end("cancelled")
    before = bench.audit()

    bench.controls.pause(quest_id, "again")
    bench.controls.cancel(cancelled)
    bench.repository.delete_quest("missing")
    bench.replay(cancelled, dry_run=True)
    bench.fork(cancelled, dry_run=True)
    with pytest.raises(QuestConflict):
        bench.controls.retry(cancelled)

    assert bench.audit() == before


def test_a_verb_that_is_rolled_back_leaves_no_entry(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    quest_id = bench.submit("a")

    def broken(at: str | None, stage: str) -> None:
        if (at, stage) == ("pause", "written"):
            raise OSError("the process dies")

    monkeypatch.setattr("questline_persistence.store.database._pass", broken)
    with pytest.raises(OSError, match="dies"):
        bench.controls.pause(quest_id)

    assert bench.audit() == []
    assert bench.status(quest_id) == "new"


def test_the_entry_of_a_replay_names_what_was_corrected_and_no_value(bench: Workbench) -> None:
    quest_id = bench.submit("a", input_data={"secret": "old"})
    bench.fail(quest_id)

    bench.replay(quest_id, None, {"input_data.secret": "new"})

    entry = bench.audit()[0]
    assert entry.outcome["corrected"] == ["input_data.secret"]
    assert (entry.outcome["from_version"], entry.outcome["epoch"]) == (0, 1)
    assert "new" not in str(entry.outcome["corrected"])


def test_a_prune_leaves_one_entry_that_names_each_quest(bench: Workbench) -> None:
    quests = {bench.end("completed"), bench.end("completed")}

    bench.repository.prune(bench.clock.advance(LONG), "completed", reason="old")

    entry = bench.audit()[0]
    assert (entry.verb, entry.quest_id, entry.subject, entry.reason) == (AuditVerb.PRUNE, None, "quests", "old")
    assert ({*entry.outcome["quest_ids"]}, entry.outcome["quests"]) == (quests, 2)
    bench.repository.prune(bench.clock.advance(LONG), "completed")
    assert bench.audit()[0] == entry


def test_an_entry_outlives_its_quest(bench: Workbench) -> None:
    quest_id = bench.end("cancelled")

    bench.repository.delete_quest(quest_id)

    assert [entry.verb for entry in bench.audit() if entry.quest_id == quest_id] == ["delete", "cancel"]


def test_the_audit_costs_a_verb_one_statement_and_a_step_none(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    with statements(bench.database) as sent:
        bench.controls.pause(quest_id)
        bench.controls.pause(quest_id)
        bench.controls.resume(quest_id)
        bench.advance(quest_id, 1, 2)

    assert [one.split()[2] for one in sent if "audit" in one] == ["audit", "audit"]
