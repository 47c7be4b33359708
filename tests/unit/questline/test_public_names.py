"""What `import questline` gives; test_imports tells what it costs."""

from types import ModuleType

import pytest

import questline
import questline.gateway
import questline.memory
import questline.testing

DOCUMENTED = {
    *("lord", "LordContext", "Permanent", "Retry", "Snooze", "QuestExecutor", "ExecutionHooks"),
    *("QuestClient", "QuestHandle", "AsyncQuestClient", "AsyncQuestHandle", "quest_type"),
    *("Quest", "QuestExecutionData", "LordStep", "LordRun", "Snapshot", "QuestRepository", "QuestFilter"),
    *("ExecutionStatus", "StepStatus", "Actor"),
    *("QuestlineError", "QuestNotFound", "QuestConflict", "PayloadError", "ConfigurationError", "NotAllowed"),
    "OnceMismatch",
    *("StoreUnavailable", "QuestFailed", "WaitTimeout", "__version__"),
}
#: The same of `questline.memory`.
REMEMBERED = {
    *("AgentState", "StateTransition", "StateSnapshot", "Event", "Task", "Session", "Migration", "StepOrigin"),
    *("WorkflowContext", "RunRecord", "RunSummary", "TodoList", "HistoryEntry", "Memory"),
    *("ActorType", "TaskStatus", "ContextStatus", "SessionState"),
    "ContextPersistence",
    *("DbStateManager", "DbTodoListManager", "ExecutionHistory", "Memories"),
    *("RunHistory", "Storage", "get_storage"),
    *("FileStateManager", "FileTodoListManager", "StateManagerProtocol", "TodoListManagerProtocol"),
    *("StateStore", "Operation"),
    *("StateStoreError", "DatabaseError", "MigrationError", "NotFound", "SerializationError", "EncryptionError"),
    *("PersistenceError", "ContextNotFoundError", "StorageError", "NotFoundError", "Conflict"),
}

#: The same of `questline.testing`.
TESTING = {"run_step", "run_quest", "Outcome", "StagedExecutor", "crash", "own_registrations"}


@pytest.mark.parametrize(
    ("home", "documented"),
    [
        (questline, DOCUMENTED),
        (questline.memory, REMEMBERED),
        (questline.testing, TESTING),
        (questline.gateway, {"create_app"}),
    ],
)
def test_all_holds_the_documented_names_and_no_others(home: ModuleType, documented: set[str]) -> None:
    assert set(home.__all__) == documented
    assert len(home.__all__) == len(documented)
    assert all(getattr(home, name) is not None for name in documented)


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
