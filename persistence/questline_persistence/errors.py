"""The one tree of errors that questline raises; its leaves differ by what the caller can do next."""

from __future__ import annotations


def _printable(text: str) -> str:
    """Return text in which halves of surrogate pairs, which nothing can print, stand as their numbers."""
    return text.encode("utf-8", "backslashreplace").decode()


class QuestlineError(Exception):
    """Anything that questline reports to its caller.

    Parameters:
      message: what went wrong, naming the thing.
      hint: the next step that mends it, or None.
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
    """No quest, snapshot or step of that name exists in the namespace."""

    code = "not_found"


class QuestConflict(QuestlineError):
    """The quest's present state does not allow what was asked."""

    code = "conflict"


class PayloadError(QuestlineError):
    """A value is not JSON, too large, or of the wrong shape."""

    code = "payload"


class InvalidRecord(PayloadError, ValueError, TypeError):
    """A quest or step was made with a field that is unknown, missing or wrong; a ValueError too, as Pydantic's is."""


class NotAllowed(QuestlineError):
    """This user may not do this here."""

    code = "not_allowed"


class ConfigurationError(QuestlineError):
    """A setting, a URL or the database schema is wrong; trying again will not help."""

    code = "configuration"


class StoreUnavailable(QuestlineError):
    """The SQL store or the broker cannot be reached; trying again later may help."""

    code = "unavailable"


class QuestFailed(QuestlineError):
    """The awaited quest ended otherwise than completed.

    Parameters:
      message: what happened.
      status: the quest's status.
    """

    code = "quest_failed"

    def __init__(self, message: str, *, status: str = "failed", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
