"""What `import questline` gives, and what it costs."""

import subprocess
import sys

import pytest

import questline

DOCUMENTED = {
    *("lord", "LordContext", "Permanent", "Retry", "Snooze", "QuestExecutor", "ExecutionHooks"),
    *("QuestClient", "QuestHandle", "AsyncQuestClient", "AsyncQuestHandle", "quest_type"),
    *("Quest", "QuestExecutionData", "LordStep", "LordRun", "Snapshot", "QuestRepository", "QuestFilter"),
    *("ExecutionStatus", "StepStatus"),
    *("QuestlineError", "QuestNotFound", "QuestConflict", "PayloadError", "ConfigurationError", "NotAllowed"),
    *("StoreUnavailable", "QuestFailed", "WaitTimeout", "__version__"),
}

HEAVY = ("sqlalchemy", "dramatiq", "alembic", "typer", "pydantic", "redis", "rich", "psycopg", "structlog")


def test_all_holds_the_documented_names_and_no_others() -> None:
    assert set(questline.__all__) == DOCUMENTED
    assert len(questline.__all__) == len(DOCUMENTED)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(questline, name) is getattr(questline, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = questline.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_dir_lists_names_that_were_not_used_yet() -> None:
    assert set(dir(questline)) >= DOCUMENTED


def test_quest_is_another_name_of_quest_execution_data() -> None:
    assert questline.Quest is questline.QuestExecutionData


@pytest.mark.parametrize("code", ["import questline", "import questline; questline.QuestNotFound"])
def test_importing_questline_imports_nothing_heavy(code: str) -> None:
    assert _loaded(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "from questline.cli import main; main(['--help'])",
        "from questline.cli.display import formatting; formatting.table('ID', rows=[['q-1']])",
    ],
    ids=["help", "table"],
)
def test_help_and_tables_do_without_the_store(code: str) -> None:
    assert not {"sqlalchemy", "dramatiq", "alembic", "redis", "psycopg"} & set(_loaded(code))


def _loaded(code: str) -> list[str]:
    """Return the heavy modules that a fresh interpreter has after running `code`."""
    look = f"{code}; import sys; print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return ended.stderr.split()
