"""The admin's verbs as a client calls them: arguments checked, the rows changed, and what is ready now rung for."""

from __future__ import annotations

from typing import Any

from questline_persistence.arguments import mapping, sought, text_or_none, whole
from questline_persistence.controls import CallsOfFork, Controlled, Controls, Correction, Restart, StartingPoint
from questline_persistence.costs import lift
from questline_persistence.errors import PayloadError
from questline_persistence.ids import new_quest_id
from questline_persistence.journal import Submitted
from questline_persistence.models import MAX_REASON
from questline_scheduler.client.handle import QuestRef, id_of
from questline_scheduler.doorbells import Ringer


class Steering:
    """Pauses, resumes, cancels, retries, replays and forks quests; errors are those of the client's methods.

    Parameters:
      controls: changes the rows.
      ringer: rings for the steps that a verb has made ready.
    """

    def __init__(self, controls: Controls, ringer: Ringer) -> None:
        self._controls = controls
        self._ringer = ringer

    def pause(self, quest_id: QuestRef, reason: str | None, *, seen: int | None) -> Controlled:
        """Pause a live quest, as `QuestClient.pause` does."""
        return self._controls.pause(id_of(quest_id), reason_of(reason), seen=_seen(seen))

    def resume(self, quest_id: QuestRef, reason: str | None, *, seen: int | None, budget: bool) -> Controlled:
        """Let a paused quest go on, as `QuestClient.resume` does."""
        first: dict[str, Any] = {"first": lift} if budget else {}
        return self._rung(self._controls.resume(id_of(quest_id), reason_of(reason), seen=_seen(seen), **first))

    def cancel(self, quest_id: QuestRef, reason: str | None, *, seen: int | None) -> Controlled:
        """Stop a live quest for good, as `QuestClient.cancel` does."""
        return self._controls.cancel(id_of(quest_id), reason_of(reason), seen=_seen(seen))

    def retry(self, quest_id: QuestRef, reason: str | None, *, seen: int | None) -> Controlled:
        """Run the failed step of a failed quest again, as `QuestClient.retry` does."""
        return self._rung(self._controls.retry(id_of(quest_id), reason_of(reason), seen=_seen(seen)))

    def replay(
        self,
        quest_id: QuestRef,
        from_: str | None,
        correction: Correction | None,
        reason: str | None,
        *,
        seen: int | None,
        dry_run: bool,
        keep_state: bool,
        keep_once: bool,
    ) -> Controlled:
        """Take a quest back to an earlier snapshot and run it again, as `QuestClient.replay` does."""
        quest_id, start, changes = id_of(quest_id), _start(from_), _changes(correction)
        seen, reason = _seen(seen), reason_of(reason)
        done = self._controls.replay(
            quest_id,
            start,
            changes,
            seen=seen,
            dry_run=dry_run,
            keep_state=keep_state,
            keep_once=keep_once,
            reason=reason,
        )
        return self._rung(done)

    def fork(
        self,
        quest_id: QuestRef,
        from_: str | None,
        correction: Correction | None,
        reason: str | None,
        *,
        new_id: str | None,
        seen: int | None,
        dry_run: bool,
        calls: CallsOfFork,
    ) -> tuple[Submitted, Restart]:
        """Start a new quest from a snapshot of another, as `QuestClient.fork` does.

        Returns:
          the new quest, and where it starts, what it changes and which steps it runs.
        """
        new_id = text_or_none(new_id, "quest_id_new") or new_quest_id()
        quest_id, start, changes = id_of(quest_id), _start(from_), _changes(correction)
        seen, reason = _seen(seen), reason_of(reason)
        forked, restart = self._controls.fork(
            quest_id, start, changes, new_id=new_id, seen=seen, dry_run=dry_run, calls=calls, reason=reason
        )
        self._ringer.ring([] if forked.doorbell is None else [forked.doorbell])
        return forked, restart

    def _rung(self, done: Controlled) -> Controlled:
        """Ring for what a verb has made ready; return what it did."""
        self._ringer.ring(done.doorbells)
        return done


def one_start(from_: str | None, from_lord: str | None) -> str | None:
    """Return where a replay or fork is to start, given by either of the argument's two names.

    Raises:
      PayloadError: it was given by both.
    """
    if from_ is not None and from_lord is not None:
        raise PayloadError("from_ and from_lord are one argument, and both were given", hint="give from_ alone")
    return from_lord if from_ is None else from_


def reason_of(given: str | None) -> str | None:
    """Return an admin's reason.

    Raises:
      PayloadError: it is no text, or too long to be kept with the quest.
    """
    text = sought(given, "the reason")
    if text is not None and len(text) > MAX_REASON:
        message = f"the reason has {len(text):,} characters; the limit is {MAX_REASON:,}"
        raise PayloadError(message, hint="give a short one that says where to read more")
    return text


def _seen(version: int | None) -> int | None:
    """Return the version that a caller has seen, or raise PayloadError where it is none."""
    return None if version is None else whole(version, "seen", "give the version that you have seen")


def _start(from_: str | None) -> StartingPoint:
    """Return where a replay or fork is to start, or raise PayloadError where that is no text."""
    hint = 'name a step ("architect"), a position ("0003") or a version ("v3")'
    return StartingPoint(text_or_none(from_, "from_", hint))


def _changes(correction: Correction | None) -> Correction:
    """Return what a replay or fork is to correct, or raise PayloadError where that are no paths and values."""
    hint = 'map paths to values, as in {"input_data.service": "orders"}'
    return {} if correction is None else mapping(correction, "set", hint)
