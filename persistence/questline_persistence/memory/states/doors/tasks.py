"""The tasks of a state store, awaited."""

from __future__ import annotations

from questline_persistence.arguments import Moment
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.models import Listed, Task
from questline_persistence.memory.states.doors.door import StatesDoor
from questline_persistence.memory.states.states import States
from questline_persistence.states import TaskStatus


class TaskMethods(StatesDoor):
    """The methods that are about tasks."""

    async def save_task(self, task: Task, *, expected_version: int | None = None) -> Task:
        """Save a task as its next version.

        Parameters:
          task: the task. Its `version` and times are not looked at.
          expected_version: the version that you have loaded, 0 for a task that was never saved; the save counts only if
            nobody else has saved since. None saves in any case.

        Returns:
          The task as it is saved, with its version and times.

        Raises:
          Conflict: the task is at another version; `current` is the task as it is now, None where there is none.
          PayloadError: it is no `Task`, or too large.
        """
        return await self._do(States.save_task, task, expected_version=expected_version)

    async def get_task(self, task_id: str, *, version: int | None = None, as_of: Moment | None = None) -> Task | None:
        """Return a task, or an older version of it.

        Parameters:
          task_id: the task.
          version: the number of an older version.
          as_of: a moment: the version that was the present one then. Epoch seconds, a datetime or ISO 8601 text.

        Returns:
          The task; None where there is, or was, none.

        Raises:
          PayloadError: the key is none, or both a version and a moment are given.
        """
        return await self._do(States.get_task, task_id, version=version, as_of=as_of)

    async def get_tasks(
        self,
        status: TaskStatus | str | None = None,
        assigned_to: str | None = None,
        *,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> Listed[Task]:
        """Return the tasks, newest first, a page at a time.

        Parameters:
          status: only those that are that far: "todo", "in_progress", "done" or "blocked".
          assigned_to: only those that are this one's to do.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Returns:
          A list that has `next_cursor` as well.

        Raises:
          PayloadError: there is no such status, a limit out of range, or a cursor that no page of this list has given.
        """
        return await self._do(States.get_tasks, status, assigned_to, limit=limit, cursor=cursor)

    async def delete_task(self, task_id: str, *, expected_version: int | None = None) -> None:
        """Delete a task; its versions stay, and saving it again brings it back.

        Parameters:
          task_id: the task.
          expected_version: the version that you have loaded; None deletes it in any case.

        Raises:
          NotFound: there is no such task, or it was deleted already.
          Conflict: the task is at another version.
          PayloadError: the key is none.
        """
        await self._do(States.delete_task, task_id, expected_version=expected_version)
