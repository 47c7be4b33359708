import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.errors import PayloadError
from questline_persistence.models import LordStep
from tests.contract.quests import Workbench, checkpoint


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
        ("run_data.intaek", "'intaek' among the outputs", "what exists: intake, intake#1, reader"),
        ("run_data.intake.fiel", "'fiel' there", "what exists: file, size"),
        ("run_data.reader#7", "'reader#7' among", "what exists: reader"),
        ("input_data.servce", "'servce' there", "what exists: service, items; to add a new key, put it in double"),
        ("input_data.items[2]", "'2' there", "what exists: [0], [1]"),
        ("input_data.nothing.here", "'nothing' there", "what exists: items, service"),
        ("input_data.service.x", "'x' there", "what exists: nothing"),
        ("execution_stack.wirter.params", "'wirter' among", "what exists: writer"),
        ("execution_stack.reader#9.params", "'reader#9' among", "what exists: reader#3"),
        ("execution_stack.writer.parms.x", "'parms' of a step", "what exists: params"),
        ("execution_stack.writer.params.x.y", "'x' there", "what exists: style"),
        ("rundata.intake", "'rundata' in a snapshot", "what exists: run_data"),
        ("steps.writer", "'steps' in a snapshot", "what exists: "),
        ("input_data", "the whole of input_data", "a path is"),
        ("input_data..x", "is not a path", "write KEY.KEY"),
        ('input_data."x', "is not a path", "write KEY.KEY"),
        ("", "is not a path", "write KEY.KEY"),
        ("input_data." + ".".join("x" * 500), "is not a path", "write KEY.KEY"),
        ("execution_stack.writer.max_attempts", "max_attempts must be 1,000 or less, not 5000", "1 runs"),
        ("execution_stack.writer.params", "params is an object, not int", "give an object"),
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


@pytest.mark.parametrize(
    ("start", "path", "why", "hint"),
    [
        (
            "reader#2",
            "execution_stack.reader.params.n",
            "2 steps of reader run",
            "name one of them: reader#2, reader#3",
        ),
        ("reader#2", "execution_stack.reader.parms.n", "2 steps of reader run", "name one of them: reader#2, reader#3"),
        ("writer", "execution_stack.reader#2.params", "0003 (reader:work) lies before", "start from reader#2"),
        ("writer", "execution_stack.intake.params.n", "0001 (intake:work) lies before", "start from intake"),
        ("writer", "execution_stack.0001.params.n", "0001 (intake:work) lies before", "start from intake"),
        (None, "execution_stack.0003.0001.params.n", "0003.0001 (pushed:work) is gone", "start from pushed"),
        (None, "execution_stack.pushed.params.n", "0003 runs again and pushes", "start from pushed"),
        (None, "run_data.pushed.n", "0003 runs again and pushes", "start from writer"),
        ("reader#2", "run_data.reader#2.n", "0003 (reader:work) runs again", "start from pushed"),
        ("reader", "run_data.reader", "0002 (reader:work) runs again", "start from reader#2"),
        ("writer", "run_data.reader#3", "0005 (reader:work) runs again", "set its params, or the input: no step"),
        ("writer", "run_data.writer", "0004 (writer:work) runs again", "start from reader#3"),
    ],
)
def test_what_is_there_but_cannot_be_set_from_this_start_is_told_why(
    bench: Workbench, start: str | None, path: str, why: str, hint: str
) -> None:
    quest_id = bench.submit("intake", "reader", "reader", "writer", "reader")
    journal = bench.worker(handlers=[f"{lord}:work" for lord in ("intake", "reader", "writer", "pushed")])
    for pushed in ((), (), ("pushed",), (), (), ()):
        journal.checkpoint(checkpoint(bench.claim(quest_id, journal), {"n": 1}, *pushed))

    with pytest.raises(PayloadError) as caught:
        bench.replay(quest_id, start, {path: 5})
    assert caught.value.message.startswith(f"cannot set '{path}': ")
    assert why in caught.value.message
    assert str(caught.value.hint).startswith(hint)


def test_a_misspelt_setting_of_a_step_that_runs_again_is_told_as_such(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "a")
    bench.advance(quest_id, 1, 2)

    with pytest.raises(PayloadError, match="there is no 'parms' of a step to set"):
        bench.replay(quest_id, "b", {"execution_stack.a.parms.n": 1})


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
