"""Tasks: what agents, or others, are to do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select

from questline_persistence.arguments import Moment, key, short
from questline_persistence.errors import NotFound
from questline_persistence.kinds import TASKS
from questline_persistence.memory import reading
from questline_persistence.memory.kept import PAGE
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import Listed, Task, checked
from questline_persistence.memory.states.part import Part, metadata_of
from questline_persistence.memory.states.rows import saved_as, taken, version_fields
from questline_persistence.memory.trying import trying
from questline_persistence.memory.versions import conflict, version_of
from questline_persistence.schema import tables_of
from questline_persistence.states import TaskStatus
from questline_persistence.writes import Op, Saves

_HEADS = tables_of(TASKS).heads


class Tasks(Part):
    """Tasks: each save is a version, and every version can be loaded."""

    def save_task(self, task: Task, *, expected_version: int | None = None) -> Task:
        """Save a task as its next version."""
        found = checked(task, Task)
        with trying("save task", found.task_id):
            body = {**taken(found, "title", "description"), "metadata": self._json(found.metadata)}
            columns = {"status": str(found.status), "assigned_to": found.assigned_to}
            name, expected = self._kept.key(found.task_id), version_of(expected_version)
            write = Saves(TASKS, name, columns=columns, body=self._sized(body), expected=expected)
            return saved_as(found, self._save(write, lambda: self._task(found.task_id)))

    def get_task(self, task_id: str, *, version: int | None = None, as_of: Moment | None = None) -> Task | None:
        """Return a task, or an older version of it; None where there is, or was, none."""
        with trying("load task", task_id):
            return self._task(key(task_id, "task_id"), version=version, as_of=as_of)

    def get_tasks(
        self,
        status: TaskStatus | str | None = None,
        assigned_to: str | None = None,
        *,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> Listed[Task]:
        """Return the tasks, newest first, a page at a time."""
        with trying("list tasks"):
            wanted = None if status is None else str(Task(title="", status=status).status)
            whose = short(assigned_to, "assigned_to")
            own = self._kept.rows(_HEADS)
            own += [
                _HEADS.c[name] == value
                for name, value in (("status", wanted), ("assigned_to", whose))
                if value is not None
            ]

            def query(now: float) -> Select[Any]:
                return reading.of_present(TASKS).where(*own, *reading.present(_HEADS, now))

            of = (TASKS.name, wanted, whose)
            order = (_HEADS.c.created_at, _HEADS.c.id)
            listing = Listing(TASKS, lambda row: wanted in {None, row.status} and whose in {None, row.assigned_to})
            page = self._kept.page(query, order, of=of, limit=limit, cursor=cursor, listing=listing)
            return Listed((_task(row) for row in page.rows), page.next_cursor)

    def delete_task(self, task_id: str, *, expected_version: int | None = None) -> None:
        """Delete a task, as a version."""
        with trying("delete task", task_id):
            name, expected = key(task_id, "task_id"), version_of(expected_version)
            if self._kept.save(Saves(TASKS, self._kept.key(name), Op.DELETE, expected=expected)) is not None:
                return
            current = self._task(name)
            if current is None:
                raise NotFound("there is none", hint="look: get_tasks()")
            raise conflict(expected, current)

    def _task(self, name: str, *, version: int | None = None, as_of: Moment | None = None) -> Task | None:
        row = self._kept.load(TASKS, name, version=version, as_of=as_of)
        return None if row is None else _task(row)


def _task(row: Row[Any]) -> Task:
    own = taken(row, "task_id", "title", "description", "status", "assigned_to")
    return Task(**own, metadata=metadata_of(row.metadata), **version_fields(row))
