"""What one keeps the contexts of workflows for: to go on, to ask how it went, and to run it once more."""

from pathlib import Path

from questline.memory import ContextPersistence, WorkflowContext

#: What a workflow goes through.
PHASES = ("design", "build", "review")


def advance(context: WorkflowContext) -> WorkflowContext:
    """Return what a workflow's next step makes of its context: a pure function, as one would test."""
    done, decisions = context.current_phase, context.decisions
    assert isinstance(decisions, dict)
    following = PHASES[min(PHASES.index(done) + 1, len(PHASES) - 1)]
    return context.model_copy(
        update={
            "current_phase": following,
            "status": "completed" if done == PHASES[-1] else "running",
            "phase_history": [*context.phase_history, {"phase": done}],
            "decisions": {**decisions, done: f"{context.feature} by the book"},
            "artifacts": [*context.artifacts, f"{done}.md"],
        }
    )


def begun(workflow_id: str, feature: str = "login", **fields: object) -> WorkflowContext:
    usual = {"epic_num": 1, "story_num": 1, "workflow_name": "implement", "current_phase": "design"}
    return WorkflowContext(workflow_id=workflow_id, feature=feature, **{**usual, **fields})  # type: ignore[arg-type]


def test_a_workflow_that_was_broken_off_goes_on_from_its_newest_context(database_url: str) -> None:
    with ContextPersistence(database_url) as persistence:
        persistence.save_context(begun("w1"))
        persistence.save_context(advance(persistence.load_context("w1")))
    with ContextPersistence(database_url) as another:
        (found,) = another.get_active_contexts()
        while found.status == "running":
            another.save_context(advance(found), expected_version=found.version)
            found = another.load_context("w1")

        assert [step["phase"] for step in found.phase_history] == [*PHASES]
        assert [one.current_phase for one in another.get_context_versions(1, 1)] == [*PHASES, PHASES[-1]]


def test_decisions_and_outcomes_can_be_asked_for(database_url: str) -> None:
    with ContextPersistence(database_url) as persistence:
        outcomes = {"a": ("cookies", "completed"), "b": ("tokens", "failed"), "c": ("cookies", "failed")}
        for workflow_id, (chosen, status) in outcomes.items():
            persistence.save_context(begun(workflow_id, status=status, decisions={"session": f"signed {chosen}"}))
        persistence.save_context(begun("d", "search", status="failed"))

        failed = persistence.search_contexts({"feature": "login", "status": "failed"})
        assert [one.workflow_id for one in failed] == ["c", "b"]
        assert {one.workflow_id for one in persistence.find_contexts('"signed cookies"')} == {"a", "c"}
        told = [(one.workflow_id, one.decisions) for one in persistence.get_failed_contexts()]
        assert told == [("d", {}), ("c", {"session": "signed cookies"}), ("b", {"session": "signed tokens"})]


def test_every_execution_of_thousands_can_be_told_page_by_page(database_url: str) -> None:
    names = [f"w{number:04}" for number in range(2_500)]
    with ContextPersistence(database_url) as persistence:
        for begin in range(0, len(names), 500):
            persistence.save_contexts([begun(name) for name in names[begin : begin + 500]])
        found, cursor = [], None
        while not found or cursor:
            page = persistence.get_contexts_by_epic(1, limit=1_000, cursor=cursor)
            found, cursor = [*found, *(one.workflow_id for one in page)], page.next_cursor

        assert found == names[::-1]
        assert persistence.get_version_count(1, 1) == len(names)


def test_a_step_is_run_again_on_each_saved_context_and_compared(database_url: str, tmp_path: Path) -> None:
    """As a test of a changed step does, against what production has saved."""
    with ContextPersistence(database_url) as production, ContextPersistence(tmp_path / "replayed.db") as bench:
        context = begun("w1")
        production.save_context(context)
        for _ in PHASES:
            context = advance(context)
            production.save_context(context)
        recorded = production.get_context_versions(1, 1)

        replayed = [recorded[0], *(advance(one) for one in recorded[:-1])]
        assert replayed == [*recorded]
        for one in replayed:
            bench.save_context(one)
        assert bench.get_context_versions(1, 1) == recorded
        assert [*production.get_context_versions(1, 1)] == [*recorded], "what was replayed is changed by nobody"
