import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.errors import PayloadError, QuestConflict, QuestNotFound
from questline_persistence.models import LordStep
from questline_persistence.schema import snapshots, tickets
from tests.contract.quests import Workbench, checkpoint, failure


def test_a_replay_from_the_beginning_runs_all_steps_again_one_epoch_later(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1, 2)
    replayed = bench.replay(quest_id)

    assert (replayed.status, replayed.changed, replayed.epoch, replayed.version) == ("running", True, 1, 3)
    (bell,) = replayed.doorbells
    assert (bell.epoch, bell.position, bell.fence) == (1, "0001", bench.ticket(quest_id).fence)
    found = bench.repository.load_quest(quest_id)
    assert (found.epoch, found.version, found.run_data, found.output_data) == (1, 3, {}, None)
    assert (found.end_time, found.error) == (None, None)
    bench.advance(quest_id, "one", "two")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "one", "b": "two"}
    assert [run.epoch for run in bench.repository.runs(quest_id)] == [0, 0, 1, 1]
    assert bench.reasons(quest_id)[3:] == ["replay", "checkpoint", "completed"]


def test_a_replayed_quest_gives_its_kept_outputs_to_the_next_lords(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2, 3)
    bench.replay(quest_id, "b")
    claim = bench.claim(quest_id)

    assert bench.repository.outputs_at(quest_id, claim.epoch, claim.version) == {"a": 1}
    assert bench.repository.inherited(quest_id, claim.epoch, claim.version) == {"a": 1}
    assert bench.finish(claim, "new").won
    claim = bench.claim(quest_id)
    assert bench.repository.outputs_at(quest_id, claim.epoch, claim.version) == {"a": 1, "b": "new"}
    assert bench.repository.output(quest_id, claim.epoch, claim.version, "b") == '"new"'
    assert bench.repository.output(quest_id, claim.epoch, claim.version, "c") is None


@pytest.mark.parametrize(
    ("start", "position", "run_data"),
    [
        (None, "0001", {}),
        ("a", "0001", {}),
        ("a#1", "0001", {}),
        ("a#2", "0003", {"a": 1, "b": 2}),
        ("b", "0002", {"a": 1}),
        ("b:work", "0002", {"a": 1}),
        ("a:work", "0001", {}),
        ("a:work#2", "0003", {"a": 1, "b": 2}),
        ("0003", "0003", {"a": 1, "b": 2}),
        ("v2", "0003", {"a": 1, "b": 2}),
        ("v0", "0001", {}),
    ],
)
def test_a_replay_finds_where_to_start(
    bench: Workbench, start: str | None, position: str, run_data: dict[str, int]
) -> None:
    quest_id = bench.submit("a", "b", "a", "c")
    bench.advance(quest_id, 1, 2, 3, 4)
    replayed = bench.replay(quest_id, start)

    assert bench.ticket(quest_id).position == position
    assert bench.repository.load_quest(quest_id).run_data == run_data
    assert (replayed.notice is not None) == (start in {"a", "a:work"})


def test_a_replay_tells_that_a_lord_occurs_several_times(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a")

    assert bench.replay(quest_id, "a").notice == "a occurs 2 times; starting from its first step, 0001"


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        ("nobody", "has no step of nobody"),
        ("a#9", "has no step of a#9"),
        ("0009", "has no step at 0009"),
        ("v9", "no snapshot v9"),
        ("v", "no step of v"),
        ("a:rest", "no step of a:rest"),
        ("a:", "no step of a:"),
        ("a:work#2", "no step of a:work#2"),
        ("", "no step of"),
    ],
)
def test_a_start_that_is_not_there_is_told_and_nothing_changes(bench: Workbench, start: str, complaint: str) -> None:
    quest_id = bench.submit("a", "b")
    before = bench.everything(quest_id)

    with pytest.raises(QuestNotFound, match=complaint) as caught:
        bench.replay(quest_id, start)
    assert caught.value.hint
    assert bench.everything(quest_id) == before


def test_a_step_that_was_not_reached_is_no_start(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")

    with pytest.raises(QuestConflict, match="has not reached b"):
        bench.replay(quest_id, "b")
    assert bench.repository.load_quest(quest_id).epoch == 0


def test_the_end_of_a_quest_is_no_start(bench: Workbench) -> None:
    quest_id = bench.end("completed")

    with pytest.raises(QuestConflict, match="no step left to run after v1"):
        bench.replay(quest_id, "v1")
    assert bench.status(quest_id) == "completed"


def test_a_quest_that_is_not_there_cannot_be_replayed(bench: Workbench) -> None:
    with pytest.raises(QuestNotFound, match="no quest nobody"):
        bench.replay("nobody")


@pytest.mark.parametrize("how", ["new", "running", "pausing", "paused", "completed", "failed", "cancelled"])
def test_a_quest_can_be_replayed_whatever_it_does(bench: Workbench, how: str) -> None:
    quest_id = bench.end(how) if how in {"completed", "failed", "cancelled"} else bench.submit("a")
    claim = bench.claim(quest_id) if how in {"running", "pausing"} else None
    if how in {"pausing", "paused"}:
        bench.controls.pause(quest_id)
    assert bench.status(quest_id) == how
    bench.replay(quest_id)

    (ticket,) = bench.rows(tickets, quest_id)
    assert (ticket.state, ticket.epoch, ticket.pause_requested, ticket.claim_id) == ("ready", 1, 0, None)
    if claim is not None:
        assert not bench.finish(claim, "late").won
        assert not bench.journal.fail(failure(claim)).won
        assert not bench.journal.release(claim).won
    bench.advance(quest_id, "new")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "new"}


def test_duratiq_4_the_keys_of_a_replayed_step_are_new(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    before = bench.claim(quest_id).idempotency_key
    bench.replay(quest_id)

    assert bench.claim(quest_id).idempotency_key != before


def test_a_replay_of_a_version_that_is_over_is_refused(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    before = bench.everything(quest_id)

    with pytest.raises(QuestConflict, match="at version 1, not 0"):
        bench.replay(quest_id, seen=0)
    assert bench.everything(quest_id) == before
    assert bench.replay(quest_id, seen=1).version == 2


def test_a_dry_run_tells_all_and_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", "a")
    bench.advance(quest_id, 1)
    before = bench.everything(quest_id)
    told = bench.replay(quest_id, "a", dry_run=True)

    assert (told.changed, told.epoch, told.version, told.doorbells) == (False, 1, 2, ())
    assert told.notice is not None
    assert bench.everything(quest_id) == before


def test_the_snapshot_of_a_replay_knows_where_it_came_from(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2)
    bench.replay(quest_id, "b")

    newest = bench.rows(snapshots, quest_id)[-1]
    assert (newest.version, newest.epoch, newest.parent_version, newest.snapshot_reason) == (3, 1, 1, "replay")


def test_replays_of_replays_keep_to_the_history_that_led_there(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, "a0", "b0", "c0")
    bench.replay(quest_id, "b")
    bench.advance(quest_id, "b1")
    bench.replay(quest_id, "c")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "a0", "b": "b1"}

    bench.replay(quest_id, "b")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "a0"}
    bench.replay(quest_id, "v2")
    assert bench.repository.load_quest(quest_id).run_data == {"a": "a0", "b": "b0"}
    with pytest.raises(QuestConflict):
        bench.replay(bench.submit("a", "b"), "b")


def test_a_replay_after_a_failure_begins_at_the_failed_step_when_asked(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    bench.fail(quest_id)
    bench.replay(quest_id, "b")

    found = bench.repository.load_quest(quest_id)
    assert (found.status, found.error, found.run_data) == ("running", None, {"a": 1})
    assert bench.ticket(quest_id).attempt == 0


def test_a_correction_of_the_input_holds_from_there_on(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", input_data={"n": 1, "deep": {"list": [1, 2]}})
    bench.advance(quest_id, 1)
    bench.replay(quest_id, "b", {"input_data.n": 2, "input_data.deep.list.1": "x", "input_data.new": None})

    wanted = {"n": 2, "deep": {"list": [1, "x"]}, "new": None}
    assert bench.repository.load_quest(quest_id).input_data == wanted
    assert bench.claim(quest_id).input_data == wanted


def test_a_replay_from_before_a_correction_has_the_input_of_then(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", input_data={"n": 1})
    bench.advance(quest_id, 1)
    bench.replay(quest_id, "b", {"input_data.n": 2})
    bench.replay(quest_id, "v2")
    assert bench.repository.load_quest(quest_id).input_data == {"n": 2}
    bench.replay(quest_id, "v1")
    assert bench.repository.load_quest(quest_id).input_data == {"n": 1}
    bench.replay(quest_id, "v2", {"input_data.n": 3})
    bench.replay(quest_id)
    assert bench.repository.load_quest(quest_id).input_data == {"n": 1}


def test_a_correction_of_an_output_is_seen_by_the_next_lords(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, {"x": [1, 2]}, 2)
    bench.replay(quest_id, "b", {"run_data.a.x.0": 9})
    claim = bench.claim(quest_id)

    assert bench.repository.outputs_at(quest_id, claim.epoch, claim.version) == {"a": {"x": [9, 2]}}
    assert bench.repository.load_snapshot(quest_id, 1).run_data == {"a": {"x": [1, 2]}}
    assert bench.repository.runs(quest_id)[0].output_data == {"x": [1, 2]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("n", 1),
        ("input_data", {}),
        ("output_data.x", 1),
        ("input_data.none.x", 1),
        ("input_data.list.9", 1),
        ("input_data.list.x", 1),
        ("input_data.n.x", 1),
        ("input_data.n", float("nan")),
        ("input_data.n", "x" * 300_000),
        ("run_data.nobody.x", 1),
    ],
)
def test_a_correction_that_leads_nowhere_is_refused_and_nothing_changes(
    bench: Workbench, path: str, value: object
) -> None:
    quest_id = bench.submit("a", input_data={"n": 1, "list": [1]})
    before = bench.everything(quest_id)

    with pytest.raises(PayloadError):
        bench.replay(quest_id, None, {path: value})
    assert bench.everything(quest_id) == before


def test_the_plan_of_an_earlier_epoch_stays_as_it_was(bench: Workbench) -> None:
    given = LordStep("a", "work", params={"x": 1}, max_attempts=9, timeout_seconds=5, queue="own")
    quest_id = bench.submit(given, "b")
    bench.replay(quest_id)
    rows = bench.everything(quest_id)["quest_steps"]

    assert [(row.epoch, row.position) for row in rows] == [(0, "0001"), (0, "0002"), (1, "0001"), (1, "0002")]
    assert [row[3:] for row in rows[:2]] == [row[3:] for row in rows[2:]]
    assert bench.ticket(quest_id).queue == "own"


def test_a_quest_without_a_ticket_goes_on_counting_its_fence(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.claim(quest_id)
    before = bench.ticket(quest_id).fence
    bench.controls.cancel(quest_id)
    bench.replay(quest_id)

    assert bench.ticket(quest_id).fence > before


def test_a_correction_reaches_every_output_of_a_lord(bench: Workbench) -> None:
    quest_id = bench.submit("a", "a", "b", "a", "c")
    bench.advance(quest_id, {"n": 1}, {"n": 2}, "b", {"n": 3})
    wanted = {"a": {"n": 3}, "a#1": {"n": 1}, "a#2": {"n": 2}, "b": "b", "a#3": {"n": 3}}
    for path, changed in (
        ("run_data.a#1.n", {"a#1": {"n": "new"}}),
        ("run_data.a#2", {"a#2": "new"}),
        ("run_data.a.n", {"a": {"n": "new"}, "a#3": {"n": "new"}}),
        ("run_data.a#3", {"a": "new", "a#3": "new"}),
        ("run_data.b#1", {"b": "new"}),
    ):
        forked = bench.fork(quest_id, "c", {path: "new"})
        assert bench.repository.load_quest(forked).run_data == wanted | changed
        claim = bench.claim(forked)
        assert bench.repository.outputs_of(forked, claim.epoch, claim.version, "a")[-1] == (wanted | changed)["a"]


def test_a_correction_reaches_lords_and_keys_with_dots_in_their_names(bench: Workbench) -> None:
    quest_id = bench.submit("a.b", "a", "b", input_data={"x.y": {"z": 1}, "x": {"y": [{"z": 2}]}, "[0]": 3})
    journal = bench.worker(handlers=["a.b:work", "a:work", "b:work"])
    for output in ({"c": 1}, {"b": {"c": 2}}):
        journal.checkpoint(checkpoint(bench.claim(quest_id, journal), output))
    bench.replay(
        quest_id,
        "b",
        {
            "run_data.a.b.c": "first",  # the longest name that there is
            'run_data."a".b.c': "second",
            "input_data.x.y.z": "of x.y",
            'input_data."x".y[0].z': "of the item",
            'input_data."[0]"': "in quotes",
        },
    )
    found = bench.repository.load_quest(quest_id)

    assert found.run_data == {"a.b": {"c": "first"}, "a": {"b": {"c": "second"}}}
    assert found.input_data == {"x.y": {"z": "of x.y"}, "x": {"y": [{"z": "of the item"}]}, "[0]": "in quotes"}


def test_a_correction_reaches_the_steps_that_run_again_also_pushed_ones(bench: Workbench) -> None:
    quest_id = bench.submit("a", LordStep("b", "work", params={"x": {"y": 1}}), LordStep("c", "work", queue="slow"))
    pushed = LordStep("d", "work", params={"n": 1})
    bench.finish(bench.claim(quest_id), 1, pushed, pushed)
    correction = {
        "execution_stack.0001.0002.params.n": "by position",
        "execution_stack.d#1.params.n": "by number",
        "execution_stack.b.params.x.y": 2,
        "execution_stack.b.params.new": 3,
        "execution_stack.c.timeout_seconds": 5,
        "execution_stack.c.params": {"whole": True},
        "execution_stack.0003.max_attempts": 9,
    }
    bench.replay(quest_id, "v1", correction)
    forked = bench.fork(quest_id, "v1", correction)
    wanted = [{"n": "by number"}, {"n": "by position"}, {"x": {"y": 2}, "new": 3}, {"whole": True}]
    for one in (quest_id, forked):
        found = bench.repository.load_quest(one)
        assert [step.params for step in found.execution_stack] == wanted
        assert (found.execution_stack[3].timeout_seconds, found.execution_stack[3].max_attempts) == (5, 9)
        assert found.execution_stack[3].queue == "slow"
        assert bench.claim(one).params == {"n": "by number"}
    assert bench.repository.load_snapshot(quest_id, 1).execution_stack[0].params == {"n": 1}


@pytest.mark.parametrize(
    ("path", "missing", "listed"),
    [
        ("run_data.intaek", "'intaek' among the outputs", "what there is: intake, intake#1, reader"),
        ("run_data.intake.fiel", "'fiel' there", "what there is: file, size"),
        ("run_data.reader#7", "'reader#7' among", "what there is: reader"),
        ("input_data.servce", "'servce' there", "what there is: service, items; to add a new key, put it in double"),
        ("input_data.items[2]", "'2' there", "what there is: [0], [1]"),
        ("input_data.nothing.here", "'nothing' there", "what there is: items, service"),
        ("input_data.service.x", "'x' there", "what there is: nothing"),
        ("execution_stack.wirter.params", "'wirter' among", "what there is: writer"),
        ("execution_stack.reader#2.params", "'reader#2' among", "what there is: reader#3"),
        ("execution_stack.intake.params", "'intake' among", "what there is:"),
        ("execution_stack.writer.parms.x", "'parms' of a step", "what there is: params"),
        ("execution_stack.writer.params.x.y", "'x' there", "what there is: style"),
        ("rundata.intake", "'rundata' in a snapshot", "what there is: run_data"),
        ("steps.writer", "'steps' in a snapshot", "what there is: "),
        ("input_data", "the whole of input_data", "a path is"),
        ("input_data..x", "is not a path", "write KEY.KEY"),
        ('input_data."x', "is not a path", "write KEY.KEY"),
        ("", "is not a path", "write KEY.KEY"),
        ("input_data." + ".".join("x" * 500), "is not a path", "write KEY.KEY"),
        ("execution_stack.writer.max_attempts", "less than or equal to", ""),
        ("execution_stack.writer.params", "valid dictionary", ""),
    ],
)
def test_a_path_that_leads_nowhere_is_told_what_there_is(
    bench: Workbench, path: str, missing: str, listed: str
) -> None:
    lords = ("intake", "reader", "reader", LordStep("writer", "work", params={"style": "short"}), "reader")
    quest_id = bench.submit(*lords, input_data={"items": [1, 2], "service": "orders"})
    journal = bench.worker(handlers=["intake:work", "reader:work"])
    for output in ({"size": 1, "file": 2}, 1, 2):
        journal.checkpoint(checkpoint(bench.claim(quest_id, journal), output))
    before = bench.everything(quest_id)

    with pytest.raises(PayloadError) as caught:
        bench.replay(quest_id, "writer", {path: 5_000})
    assert missing in caught.value.message
    assert str(caught.value.hint or "").startswith(listed)
    assert bench.everything(quest_id) == before


def test_a_key_in_quotes_is_added_wherever_there_is_an_object(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", input_data={"name": 1, "deep": {"x": 1}})
    bench.advance(quest_id, {"x": 1})
    told = bench.replay(
        quest_id, "b", {'input_data."names"': 2, 'input_data.deep."y.z"': 3, 'run_data.a."y"': 4, "input_data.other": 5}
    )
    found = bench.repository.load_quest(quest_id)

    assert found.input_data == {"name": 1, "deep": {"x": 1, "y.z": 3}, "names": 2, "other": 5}
    assert found.run_data == {"a": {"x": 1, "y": 4}}
    assert all(change.added for change in told.restart.changes)


@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_a_dry_run_tells_the_start_the_changes_and_the_steps(bench: Workbench, verb: str) -> None:
    quest_id = bench.submit("a", "b", "c", input_data={"n": 1})
    bench.advance(quest_id, {"x": 1}, 2)
    before = bench.everything(quest_id)
    correction = {"run_data.a.x": 9, "input_data.new": [], "execution_stack.c.params": {"p": 1}}
    if verb == "replay":
        restart = bench.replay(quest_id, "b", correction, dry_run=True).restart
    else:
        start = StartingPoint("b")
        _, restart = bench.controls.fork(quest_id, start, correction, new_id="other", dry_run=True)

    assert restart.to_json() == {
        "start": {"version": 1, "epoch": 0, "position": "0002"},
        "changes": [
            {"path": "run_data.a.x", "old": 1, "new": 9, "added": False},
            {"path": "input_data.new", "old": None, "new": [], "added": True},
            {"path": "execution_stack.c.params", "old": {}, "new": {"p": 1}, "added": False},
        ],
        "reversals": [],
        "steps": [
            {"position": "0002", "lord_name": "b", "tool_name": "work"},
            {"position": "0003", "lord_name": "c", "tool_name": "work"},
        ],
    }
    assert bench.everything(quest_id) == before
    assert bench.quest_ids() == [quest_id]


def test_a_correction_that_an_earlier_start_leaves_behind_is_told(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c", input_data={"addr": "bad", "street": {"number": 1}})
    bench.advance(quest_id, 1, 2)
    corrected = {"input_data.addr": "good", "input_data.street.number": 2, "run_data.a": 7, "input_data.more": True}
    assert bench.replay(quest_id, "c", corrected | {"execution_stack.c.params.fast": True}).notice is None

    looked = bench.replay(quest_id, "b", dry_run=True)
    assert looked.notice == (
        'input_data.addr goes back to "bad", input_data.street.number goes back to 1, input_data.more is no longer '
        "there, 2 more go back, as at v1; to keep a correction of an earlier replay, set it again"
    )
    assert [(one.path, one.old, one.new, one.removed) for one in looked.restart.reversals] == [
        ("input_data.addr", "good", "bad", False),
        ("input_data.street.number", 2, 1, False),
        ("input_data.more", True, None, True),
        ("run_data.a", 7, 1, False),
        ("execution_stack.0003.params.fast", True, None, True),
    ]
    assert bench.replay(quest_id, "c").notice is None
    again = bench.replay(quest_id, "b", corrected)
    assert [one.path for one in again.restart.reversals] == ["execution_stack.0003.params.fast"]
    assert bench.repository.load_quest(quest_id).input_data == {"addr": "good", "street": {"number": 2}, "more": True}


def test_what_is_set_to_another_value_does_not_go_back(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", input_data={"addr": "bad"})
    bench.advance(quest_id, 1)
    bench.replay(quest_id, "b", {"input_data.addr": "good"})

    assert bench.replay(quest_id, "a", {"input_data.addr": "better"}, dry_run=True).restart.reversals == ()
    _, forked = bench.controls.fork(quest_id, StartingPoint("a"), {}, new_id="fork", dry_run=True)
    assert forked.notice is not None
    assert forked.notice.startswith('input_data.addr goes back to "bad", as at v0')
