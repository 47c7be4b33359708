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

    def preface(self, tried: str) -> None:
        """Say in front of the message what was tried, as in "cannot save agent state planner"."""
        self.message = f"{_printable(tried)}: {self.message}"
        self.args = (self.message,)

    @property
    def advice(self) -> str:
        """The message and, after it, the hint: for where there is one line for both."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class QuestNotFound(QuestlineError):
    """No quest, snapshot or step of that name exists in the namespace.

    A short id that fits several quests is not found either.

    What to do:
      Look with `questline list`, and with `questline snapshots ID` for versions and steps. Check the namespace and the
      database, too: another one holds other quests. An ended quest may have been deleted or pruned.
    """

    code = "not_found"


class QuestConflict(QuestlineError):
    """The present state of the quest does not allow what you asked for.

    For example: you cannot pause a quest that has ended, or retry one that has not failed; another quest has this id
    or idempotency key already. questline has changed nothing.

    What to do:
      Look at the quest with `questline show ID`. The hint names the command that is possible now. The same command
      helps only when the quest has moved on.
    """

    code = "conflict"


class PayloadError(QuestlineError):
    """A value is not JSON, too large, or of the wrong shape.

    The message names the place, such as `input_data.items[3].when`. questline has stored nothing.

    What to do:
      Correct the value. If it is too large, the message names the limit, and the hint names the setting that raises
      the limit. Store large data elsewhere, and put its address into the quest. The same value fails again.
    """

    code = "payload"


class InvalidRecord(PayloadError, ValueError, TypeError):
    """Your program made a quest or a step with a field that is unknown, missing or wrong; it is a ValueError, too.

    What to do:
      Correct the field that the message names. For a misspelt field, the hint tells the nearest name.
    """


class NotAllowed(QuestlineError):
    """This user may not do this here.

    PostgreSQL refuses the role, or the file system refuses the file.

    What to do:
      Grant the rights that the hint lists, or run as a user who has them. `questline doctor` tries each of them.
    """

    code = "not_allowed"


class ConfigurationError(QuestlineError):
    """A setting, a URL or the database schema is wrong; trying again does not help.

    A wrong declaration is such an error, too: two functions for one Lord and tool, or a handler with a parameter that
    questline cannot fill by name.

    What to do:
      Correct the setting that the message names. `questline config show` tells where each setting comes from. For an
      old schema, run `questline db upgrade`.
    """

    code = "configuration"


class WrongDeclaration(ConfigurationError, TypeError):
    """Your program called a decorator with an argument that is unknown or missing; it is a TypeError, too.

    What to do:
      Write the decorator as the hint shows. For a misspelt argument, the hint tells the nearest name.
    """


class StoreUnavailable(QuestlineError):
    """questline cannot reach the SQL store or the broker; trying again later may help.

    Workers wait by themselves until the server is back. A client does not wait: its call has failed.

    What to do:
      Check the URL, and check that the server runs; `questline doctor` tells more. Then try again. If the connection
      broke during a commit, the message says that the outcome is unknown: look before you try again. If you submit with
      an idempotency key, you may always try again.
    """

    code = "unavailable"


class QuestFailed(QuestlineError):
    """The quest that you waited for did not complete: it failed, was cancelled, or is paused.

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
    """The time of the wait is over, and the quest goes on; it is Python's own `TimeoutError`, too.

    What to do:
      Nothing is wrong with the quest. Wait again, or look with `questline show ID` how far the quest is.
    """

    code = "timeout"

    @classmethod
    def of(cls, quest_id: str, status: str, timeout: float) -> Self:
        """Return the error that a quest goes on with this status after `timeout` seconds."""
        message = f"quest {quest_id} goes on: it is still {status} after {timeout:g} s"
        return cls(message, hint=f"wait again, or look: questline show {quest_id}")
