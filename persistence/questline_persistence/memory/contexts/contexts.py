"""What is done with the contexts of workflows: saving, loading, listing, version by version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from questline_persistence.arguments import key, mapping
from questline_persistence.errors import Conflict, ContextNotFoundError
from questline_persistence.kinds import CONTEXTS
from questline_persistence.memory.batches import batch_of
from questline_persistence.memory.contexts.context_filter import ContextFilter
from questline_persistence.memory.contexts.context_rows import (
    all_versions,
    context_of,
    newest,
    saving,
    version_count,
)
from questline_persistence.memory.kept import PAGE, Kept
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.models import Listed, Matches, WorkflowContext, checked
from questline_persistence.memory.searching import search
from questline_persistence.memory.trying import named, trying
from questline_persistence.memory.versions import conflict, version_of
from questline_persistence.schema import tables_of
from questline_persistence.states import ContextStatus
from questline_persistence.writes import Moved, Op, Saved, Saves

_VERSIONS_HINT = 'give an object such as {"w1": 3}'


class Contexts:
    """The contexts of workflows of one tenant and key prefix. Each save is a version, and no version ever changes.

    Parameters:
      kept: where they are kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._held = kept

    @property
    def _kept(self) -> Kept:
        """Where they are kept; a door opens it at first use."""
        return self._held

    def save_context(self, context: WorkflowContext, expected_version: int | None = None) -> int:
        """Save a context as the newest version of its workflow, and return that version's number.

        Parameters:
          context: the context.
          expected_version: the version that it was made from, 0 for a workflow that was never saved. None saves
            whatever is there; what was there stays the version before.

        Raises:
          Conflict: the workflow is at another version; `current` is its context as it is now.
          PayloadError: it is no context, holds what is not JSON, or is too large.
        """
        return self._save(checked(context, WorkflowContext), expected_version)

    def update_context(self, context: WorkflowContext, expected_version: int | None = None) -> int:
        """Save a context of a workflow that has one already, and return the number of the new version.

        Parameters:
          context: the context.
          expected_version: the version that it was made from; None saves whatever is there.

        Raises:
          ContextNotFoundError: the workflow has no context, or it was deleted.
          Conflict: the workflow is at another version.
          PayloadError: it is no context, holds what is not JSON, or is too large.
        """
        return self._save(checked(context, WorkflowContext), expected_version, there=True)

    def save_contexts(
        self, contexts: Iterable[WorkflowContext], expected_versions: Mapping[str, int] | None = None
    ) -> list[int]:
        """Save several contexts in one transaction, all or none, and return the numbers of their versions.

        Parameters:
          contexts: at most 1,000 contexts.
          expected_versions: the versions that they were made from, by workflow; a workflow that is not named is saved
            whatever is there.

        Raises:
          Conflict: a workflow is at another version than expected.
          PayloadError: one is no context, holds what is not JSON, or is too large; or there are too many.
        """
        with trying("save workflow contexts"):
            given = [checked(one, WorkflowContext) for one in batch_of(contexts, "contexts")]
            versions = {} if expected_versions is None else expected_versions
            expected = mapping(versions, "expected_versions", _VERSIONS_HINT)
            writes = [self._write(one, expected.get(one.workflow_id)) for one in given]
            try:
                made = self._kept.write(writes)
            except Moved as moved:
                refused = self._refused(moved.save)
                refused.preface(f"workflow context {named(moved.save.key.name)}")
                raise refused from None
            return [saved.version for saved in made if isinstance(saved, Saved)]

    def load_context(self, workflow_id: str) -> WorkflowContext:
        """Return the newest context of a workflow.

        Parameters:
          workflow_id: the workflow.

        Raises:
          ContextNotFoundError: it has none, or it was deleted.
        """
        with trying("load workflow context", workflow_id):
            found = self._found(key(workflow_id, "workflow_id"))
            if found is None:
                raise ContextNotFoundError("there is none of that name")
            return found

    def load_contexts(self, workflow_ids: Iterable[str]) -> list[WorkflowContext]:
        """Return the newest contexts of several workflows, in the order of the ids.

        Parameters:
          workflow_ids: at most 1,000 workflows.

        Raises:
          ContextNotFoundError: one of them has none, or it was deleted.
          PayloadError: one is no id of a workflow, or there are too many.
        """
        with trying("load workflow contexts"):
            ids = [key(one, "workflow_id") for one in batch_of(workflow_ids, "workflow_ids")]
            rows = self._kept.load_all(CONTEXTS, {*ids})
            for workflow_id in ids:
                if workflow_id not in rows:
                    raise ContextNotFoundError(f"there is no workflow context {named(workflow_id)}")
            return [context_of(rows[workflow_id]) for workflow_id in ids]

    def context_exists(self, workflow_id: str) -> bool:
        """Return whether a workflow has a context that was not deleted.

        Parameters:
          workflow_id: the workflow.
        """
        with trying("look for workflow context", workflow_id):
            return self._kept.exists(CONTEXTS, key(workflow_id, "workflow_id"))

    def delete_context(self, workflow_id: str) -> bool:
        """Delete a workflow's context; return False where there is none.

        The deletion is a version, too: the versions before can still be read, and a later save goes on counting.

        Parameters:
          workflow_id: the workflow.
        """
        with trying("delete workflow context", workflow_id):
            write = Saves(CONTEXTS, self._kept.key(key(workflow_id, "workflow_id")), Op.DELETE)
            return self._kept.save(write) is not None

    def get_latest_context(
        self,
        epic_num: int | None = None,
        story_num: int | None = None,
        *,
        epic: int | None = None,
        story: int | None = None,
    ) -> WorkflowContext | None:
        """Return the context of the workflow that was begun last for a story; None where there is none.

        Parameters:
          epic_num: the epic.
          story_num: the story; None for workflows that are about the epic as a whole.
          epic: another name of `epic_num`.
          story: another name of `story_num`.
        """
        return self._newest(ContextFilter.of_story(epic_num, story_num, epic, story))

    def get_latest_context_by_status(
        self,
        epic_num: int | None = None,
        story_num: int | None = None,
        status: ContextStatus | str | None = None,
        *,
        epic: int | None = None,
        story: int | None = None,
    ) -> WorkflowContext | None:
        """Return the context of the workflow that was begun last for a story, of those with a status.

        Parameters:
          epic_num: the epic.
          story_num: the story; None for workflows that are about the epic as a whole.
          status: "running", "completed", "failed" or "paused".
          epic: another name of `epic_num`.
          story: another name of `story_num`.
        """
        return self._newest(ContextFilter.of_story(epic_num, story_num, epic, story, status=status))

    def get_contexts_by_epic(
        self, epic_num: int | None = None, *, epic: int | None = None, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[WorkflowContext]:
        """Return the contexts of an epic and its stories, the workflow that was begun last first.

        Parameters:
          epic_num: the epic.
          epic: another name of `epic_num`.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
        """
        return self._page(ContextFilter.of_epic(epic_num, epic), limit, cursor)

    def get_contexts_by_feature(
        self, feature: str, *, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[WorkflowContext]:
        """Return the contexts of a feature, the workflow that was begun last first.

        Parameters:
          feature: the feature, compared letter for letter.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
        """
        return self.search_contexts({"feature": feature}, limit, cursor)

    def get_active_contexts(self, *, limit: int = PAGE, cursor: str | None = None) -> Listed[WorkflowContext]:
        """Return the contexts of running workflows, the one that was begun last first.

        Parameters:
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
        """
        return self.search_contexts({"status": ContextStatus.RUNNING}, limit, cursor)

    def get_failed_contexts(self, *, limit: int = PAGE, cursor: str | None = None) -> Listed[WorkflowContext]:
        """Return the contexts of failed workflows, the one that was begun last first.

        Parameters:
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
        """
        return self.search_contexts({"status": ContextStatus.FAILED}, limit, cursor)

    def search_contexts(
        self, filters: Mapping[str, Any] | None = None, limit: int = PAGE, cursor: str | None = None
    ) -> Listed[WorkflowContext]:
        """Return the contexts for which every filter holds, the workflow that was begun last first.

        Parameters:
          filters: what is wanted of `workflow_id`, `epic_num`, `story_num`, `feature`, `workflow_name`,
            `current_phase`, `status` (one, or several of which any will do), `since` and `until` (when the workflow
            was saved first). Texts are compared letter for letter. None means all contexts.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Raises:
          PayloadError: there is no such filter, it cannot have that value, or the page is none.

        Example:
          found = persistence.search_contexts({"epic": 12, "status": ["failed", "paused"]}, limit=50)
          more = persistence.search_contexts({"epic": 12, "status": ["failed", "paused"]}, 50, found.next_cursor)
        """
        return self._page(ContextFilter.of(filters), limit, cursor)

    def find_contexts(self, query: str, limit: int = PAGE) -> Matches[WorkflowContext]:
        """Return the contexts that have the words of a query, the best first: those that are committed.

        Parameters:
          query: words, all of which must be there: in the feature, the workflow's name, or any text that the context
            holds. `"a phrase"`, `pre*` and `-without` say more.
          limit: at most this many, 1 to 1,000.

        Returns:
          A list that says by `newest_only` whether there were more matches than are compared.

        Raises:
          PayloadError: the query is no text, or a limit out of range.
        """
        with trying("search workflow contexts"):
            found = search(self._kept, CONTEXTS, query, limit=limit)
            return Matches(map(context_of, found.rows), newest_only=found.newest_only)

    def get_context_versions(
        self,
        epic_num: int | None = None,
        story_num: int | None = None,
        *,
        epic: int | None = None,
        story: int | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
    ) -> Listed[WorkflowContext]:
        """Return all versions of the contexts of a story in the order in which they were saved.

        Those of deleted contexts are there, too, and those that a replay has dropped (`origin.abandoned_by`).

        Parameters:
          epic_num: the epic.
          story_num: the story; None for workflows that are about the epic as a whole.
          epic: another name of `epic_num`.
          story: another name of `story_num`.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
        """
        chosen, versions = ContextFilter.of_story(epic_num, story_num, epic, story), tables_of(CONTEXTS).versions
        with trying("list the versions of workflow contexts"):
            page = self._kept.page(
                lambda _: all_versions(chosen, *self._where),
                (versions.c.created_at, versions.c.id),
                of=("context versions", chosen),
                limit=limit,
                cursor=cursor,
                newest_first=False,
            )
            return Listed(map(context_of, page.rows), page.next_cursor)

    def get_context_by_version(self, workflow_id: str, version: int) -> WorkflowContext | None:
        """Return one version of a workflow's context; None where there is none, or where it is a deletion.

        Parameters:
          workflow_id: the workflow.
          version: the version's number.
        """
        with trying("load workflow context", workflow_id):
            row = self._kept.load(CONTEXTS, key(workflow_id, "workflow_id"), version=version)
            return None if row is None else context_of(row)

    def get_version_count(
        self,
        epic_num: int | None = None,
        story_num: int | None = None,
        *,
        epic: int | None = None,
        story: int | None = None,
    ) -> int:
        """Return how many versions the contexts of a story have: as many as `get_context_versions` lists.

        Parameters:
          epic_num: the epic.
          story_num: the story; None for workflows that are about the epic as a whole.
          epic: another name of `epic_num`.
          story: another name of `story_num`.
        """
        chosen = ContextFilter.of_story(epic_num, story_num, epic, story)
        query = version_count(chosen, *self._where)
        with trying("count the versions of workflow contexts"):
            count: int = self._kept.read(lambda connection, _: connection.execute(query).scalar_one())
            return count

    @property
    def _where(self) -> tuple[str, str]:
        return self._kept.namespace, self._kept.prefix

    def _found(self, workflow_id: str) -> WorkflowContext | None:
        row = self._kept.load(CONTEXTS, workflow_id)
        return None if row is None else context_of(row)

    def _newest(self, chosen: ContextFilter) -> WorkflowContext | None:
        """Return the context of the workflow that was begun last, of those that a filter means."""
        return next(iter(self._page(chosen, 1, None)), None)

    def _page(self, chosen: ContextFilter, limit: int, cursor: str | None) -> Listed[WorkflowContext]:
        heads = tables_of(CONTEXTS).heads
        with trying("list workflow contexts"):
            page = self._kept.page(
                lambda now: newest(chosen, *self._where, now),
                (heads.c.created_at, heads.c.id),
                of=("contexts", chosen),
                limit=limit,
                cursor=cursor,
                listing=Listing(CONTEXTS, chosen.means),
            )
            return Listed(map(context_of, page.rows), page.next_cursor)

    def _write(self, context: WorkflowContext, expected: int | None, *, there: bool = False) -> Saves:
        name, limit = self._kept.key(context.workflow_id), self._kept.database.limits.memory
        return saving(context, name, limit, expected=version_of(expected), there=there)

    def _save(self, context: WorkflowContext, expected: int | None, *, there: bool = False) -> int:
        with trying("update workflow context" if there else "save workflow context", context.workflow_id):
            write = self._write(context, expected, there=there)
            saved = self._kept.save(write)
            if saved is None:
                raise self._refused(write)
            return saved.version

    def _refused(self, write: Saves) -> Conflict | ContextNotFoundError:
        """Return the error that says why a context was not saved."""
        current = self._found(write.key.name)
        if write.there and (write.expected is None or current is None):
            return ContextNotFoundError("there is none of that name")
        return conflict(write.expected, current)
