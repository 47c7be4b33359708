"""The one tree of errors that questline raises; its leaves differ by what the caller can do next."""

from __future__ import annotations

from typing import Self


def _printable(text: str) -> str:
    """Return text in which halves of surrogate pairs, which nothing can print, stand as their numbers."""
    return text.encode("utf-8", "backslashreplace").decode()


class QuestlineError(Exception):
    """Anything that questline reports to its caller.

    Catch it to catch all of questline's errors. Each has a `message`, a `hint` or None, and a `code`, which is the same
    in Python and on the command line.

    Parameters:
      message: what went wrong, naming the thing.
      hint: the next step that mends it, or None.

    What to do:
      Read the message: it names the thing that went wrong.
    """

    #: The stable, machine-readable name of the error, the same in Python, CLI and HTTP.
    code = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = _printable(message)
        self.hint = None if hint is None else _printable(hint)
        super().__init__(self.message)

    @property
    def advice(self) -> str:
        """The message and, after it, the hint: for where there is one line for both."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class QuestNotFound(QuestlineError):
    """No quest, snapshot or step of that name exists in the namespace.

    A short id that could mean several quests is not found either.

    What to do:
      Look with `questline list`, and with `questline snapshots ID` for versions and steps. Check the namespace and the
      database, too: another one holds other quests. An ended quest may have been deleted or pruned.
    """

    code = "not_found"


class QuestConflict(QuestlineError):
    """The quest's present state does not allow what was asked.

    For example: a quest that has ended cannot be paused, one that has not failed cannot be retried, an id or an
    idempotency key is already in use. Nothing has been changed.

    What to do:
      Look at the quest with `questline show ID`; the hint names the verb that applies. Trying the same again helps only
      once the quest has moved on.
    """

    code = "conflict"


class PayloadError(QuestlineError):
    """A value is not JSON, too large, or of the wrong shape.

    The message names the place, such as `input_data.items[3].when`. Nothing has been stored.

    What to do:
      Mend the value. For a size, the message names the limit and the hint the setting that raises it; large data
      belongs in a storage of its own, with its address in the quest. Trying the same again fails again.
    """

    code = "payload"


class InvalidRecord(PayloadError, ValueError, TypeError):
    """A quest or step was made with a field that is unknown, missing or wrong; a ValueError too, as Pydantic's is.

    What to do:
      Mend the field that the message names; for a misspelt one, the hint tells the nearest name.
    """


class NotAllowed(QuestlineError):
    """This user may not do this here.

    PostgreSQL refuses the role, or the file system the file.

    What to do:
      Grant what the hint lists, or run as a user who has it. `questline doctor` tries every right that is needed.
    """

    code = "not_allowed"


class ConfigurationError(QuestlineError):
    """A setting, a URL or the database schema is wrong; trying again will not help.

    A declaration is a setting, too: two functions registered for one Lord and tool, or a handler whose parameters
    cannot be filled by name.

    What to do:
      Mend the setting that the message names; `questline config show` tells of each where it comes from. For an old
      schema, run `questline db upgrade`.
    """

    code = "configuration"


class WrongDeclaration(ConfigurationError, TypeError):
    """A decorator was called with an argument that is unknown or missing; a TypeError too, as Python's is.

    What to do:
      Write the decorator as the hint shows; for a misspelt argument, it tells the nearest name.
    """


class StoreUnavailable(QuestlineError):
    """The SQL store or the broker cannot be reached; trying again later may help.

    Workers wait by themselves until it is back. A client does not wait: its call has failed.

    What to do:
      Check the URL and that the server runs; `questline doctor` tells more. Then try again. Where the connection broke
      during a commit, the message says that the outcome is unknown: look before you try again, or submit with an
      idempotency key, with which trying again is always safe.
    """

    code = "unavailable"


class QuestFailed(QuestlineError):
    """The awaited quest ended otherwise than completed: it failed, was cancelled, or is paused.

    Parameters:
      message: what happened.
      status: the quest's status: "failed", "cancelled" or "paused".
      hint: the next step, or None.

    What to do:
      Read why with `questline show ID`. Then retry a failed quest, resume a paused one, or replay it with a correction.
    """

    code = "quest_failed"

    def __init__(self, message: str, *, status: str = "failed", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class WaitTimeout(QuestlineError, TimeoutError):
    """The awaited quest goes on after the time that was given to the wait; Python's own `TimeoutError`, too.

    What to do:
      Nothing is wrong with the quest. Wait again, or look how far it is with `questline show ID`.
    """

    code = "timeout"

    @classmethod
    def of(cls, quest_id: str, status: str, timeout: float) -> Self:
        """Return the error that a quest goes on with this status after `timeout` seconds."""
        message = f"quest {quest_id} goes on: it is still {status} after {timeout:g} s"
        return cls(message, hint=f"wait again, or look: questline show {quest_id}")
