"""What a handler keeps through its context: the classes that programs use elsewhere, bound to the quest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Event, HistoryEntry, Listed, TodoList, WorkflowContext, checked
from questline_persistence.memory.sessions import History, Lessons, TodoLists
from questline_persistence.memory.states import Events, States
from questline_persistence.memory.step.buffered import Buffered
from questline_persistence.memory.step.own import OwnFirstKept, OwnKept
from questline_persistence.states import ActorType
from questline_persistence.writes import own_name


class QuestContexts(Contexts):
    """Contexts of workflows: the quest's own, unless another one is named.

    Parameters:
      kept: what the step keeps.
      quest_id: the quest.
    """

    def __init__(self, kept: Buffered, quest_id: str) -> None:
        super().__init__(OwnFirstKept(kept, quest_id))
        self._quest_id = quest_id

    def save_context(self, context: WorkflowContext, expected_version: int | None = None) -> int:
        """Save a context, as the quest's own where it names no workflow."""
        return super().save_context(self._of_quest(context), expected_version)

    def update_context(self, context: WorkflowContext, expected_version: int | None = None) -> int:
        """Save a context as `save_context` does, but only if its workflow has one already."""
        return super().update_context(self._of_quest(context), expected_version)

    def load_context(self, workflow_id: str | None = None) -> WorkflowContext:
        """Return the newest context of the quest, or of another workflow."""
        return super().load_context(self._quest_id if workflow_id is None else workflow_id)

    def context_exists(self, workflow_id: str | None = None) -> bool:
        """Return whether the quest has a context, or another workflow."""
        return super().context_exists(self._quest_id if workflow_id is None else workflow_id)

    def _of_quest(self, context: WorkflowContext) -> WorkflowContext:
        found = checked(context, WorkflowContext)
        if "workflow_id" in context.model_fields_set:
            return found
        return found.model_copy(update={"workflow_id": self._quest_id})


class QuestTodoLists:
    """The to-do lists of the quest.

    Parameters:
      kept: what the step keeps.
      quest_id: the quest.
    """

    def __init__(self, kept: Buffered, quest_id: str) -> None:
        self._lists = TodoLists(kept)
        self._quest_id = quest_id

    def save_todolist(
        self,
        todolist_id: str,
        plan: dict[str, Any] | list[Any],
        status: str = "pending",
        *,
        expected_version: int | None = None,
    ) -> None:
        """Save the next version of one of the quest's to-do lists."""
        name = own_name(self._quest_id, todolist_id)
        self._lists.save_todolist(name, self._quest_id, plan, status, expected_version=expected_version)

    def load_todolist(self, todolist_id: str) -> TodoList | None:
        """Return one of the quest's to-do lists; None where there is none."""
        return self._called(self._lists.load_todolist(own_name(self._quest_id, todolist_id)))

    def delete_todolist(self, todolist_id: str) -> None:
        """Delete one of the quest's to-do lists, as a version."""
        self._lists.delete_todolist(own_name(self._quest_id, todolist_id))

    def list_todolists(self, *, limit: int = PAGE, cursor: str | None = None) -> Listed[TodoList]:
        """Return the quest's to-do lists, those first that were saved first; what this step has written comes last."""
        found = self._lists.list_todolists(self._quest_id, limit=limit, cursor=cursor)
        return Listed((self._called(one) or one for one in found), found.next_cursor)

    def _called(self, found: TodoList | None) -> TodoList | None:
        """Return a list under the name that it has here."""
        if found is None:
            return None
        return found.model_copy(update={"todolist_id": found.todolist_id.removeprefix(own_name(self._quest_id, ""))})


class QuestHistory:
    """The execution history of the quest.

    Parameters:
      kept: what the step keeps.
      quest_id: the quest.
    """

    def __init__(self, kept: Buffered, quest_id: str) -> None:
        self._history = History(kept)
        self._quest_id = quest_id

    def append(
        self, step_id: int, thought: str | None = None, action: str | None = None, observation: str | None = None
    ) -> HistoryEntry:
        """Add an entry to the history of the quest."""
        return self._history.append(self._quest_id, step_id, thought, action, observation)

    def list(self, *, limit: int = PAGE, cursor: str | None = None, newest_first: bool = False) -> Listed[HistoryEntry]:
        """Return the entries in their order or backwards; those of this step are the last ones."""
        return self._history.list(self._quest_id, limit=limit, cursor=cursor, newest_first=newest_first)


class QuestStates(States):
    """The states of agents, and all else that `StateStore` keeps; the quest's own agents go before shared ones.

    Parameters:
      kept: what the step keeps.
      quest_id: the quest.
    """

    def __init__(self, kept: Buffered, quest_id: str) -> None:
        super().__init__(OwnFirstKept(kept, quest_id))
        #: The quest's own: agents that no other quest sees, under names that others may use too.
        self.own = States(OwnKept(kept, quest_id))


class QuestEvents(Events):
    """Events: those of the quest, unless another session is named.

    Parameters:
      kept: what the step keeps.
      quest_id: the quest.
    """

    def __init__(self, kept: Buffered, quest_id: str) -> None:
        super().__init__(OwnFirstKept(kept, quest_id))
        self._quest_id = quest_id

    def append(
        self,
        event_type: str,
        content: str = "",
        *,
        actor_type: str = ActorType.AGENT,
        actor_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        git_commit: str | None = None,
        session_id: str | None = None,
    ) -> Event:
        """Add an event to the quest's session, or to another one."""
        event = Event(
            session_id=session_id or self._quest_id,
            event_type=event_type,
            actor_type=actor_type,
            actor_id=actor_id,
            content=content,
            metadata=metadata or {},
            git_commit=git_commit,
        )
        return self.save_event(event)

    def get_events(
        self, session_id: str | None = None, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[Event]:
        """Return the events of the quest, or of another session, in their order; those of this step come last."""
        return super().get_events(session_id or self._quest_id, limit=limit, cursor=cursor)


def _lessons(kept: Buffered, _quest_id: str) -> Lessons:
    return Lessons(kept)


#: How each is made, by the name that a handler calls it by.
MADE: Mapping[str, Callable[[Buffered, str], object]] = {
    "state": QuestStates,
    "events": QuestEvents,
    "context": QuestContexts,
    "todos": QuestTodoLists,
    "history": QuestHistory,
    "memory": _lessons,
}
