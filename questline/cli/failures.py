"""Errors as users and scripts see them: one code, one message, one hint, one exit code, printed in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass

import typer

from questline.cli.display import output
from questline.cli.exit_codes import MEANINGS, ExitCode, outcome
from questline_persistence.errors import (
    ConfigurationError,
    Conflict,
    NotAllowed,
    NotFound,
    PayloadError,
    QuestConflict,
    QuestFailed,
    QuestlineError,
    QuestNotFound,
    StoreUnavailable,
    WaitTimeout,
    summary_of,
    traceback_of,
)


class UsageMistake(QuestlineError):
    """The command line is wrong: questline cannot do what it asks for.

    An option is unknown, is missing, or does not go with another one.

    What to do:
      Run the command with `--help`, and correct the line.
    """

    code = "usage"


class Aborted(QuestlineError):
    """A command asked before it went on, and somebody answered no; questline has changed nothing.

    What to do:
      Run the command again and answer yes, or run it with `-y`: then it does not ask.
    """

    code = "aborted"


class Unexpected(QuestlineError):
    """An error that nobody foresaw: a mistake of questline's, or one in a module of yours.

    What to do:
      Set `QUESTLINE_LOG_LEVEL=debug` and run the command again to see where it happened. If the mistake is not in
      your code, please report it.
    """

    code = "unexpected"


@dataclass(frozen=True, slots=True)
class Failure:
    """What to tell about an error, and how to exit."""

    code: str
    message: str
    hint: str | None
    exit_code: int

    def to_json(self) -> dict[str, str | None]:
        """Return the error object of the contract."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


#: What Pydantic puts before the words of those who check a value.
_NOISE = "Value error, "

_EXIT_CODES: dict[type[QuestlineError], ExitCode] = {
    UsageMistake: ExitCode.USAGE,
    Aborted: ExitCode.USAGE,
    PayloadError: ExitCode.USAGE,
    StoreUnavailable: ExitCode.UNREACHABLE,
    QuestNotFound: ExitCode.NOT_FOUND,
    NotFound: ExitCode.NOT_FOUND,
    QuestConflict: ExitCode.CONFLICT,
    Conflict: ExitCode.CONFLICT,
    NotAllowed: ExitCode.NOT_ALLOWED,
    ConfigurationError: ExitCode.CONFIGURATION,
    WaitTimeout: ExitCode.TIMED_OUT,
}


def explain(error: BaseException) -> Failure:
    """Return what to tell about an exception."""
    ours = error if isinstance(error, QuestlineError) else _ours(error)
    return Failure(ours.code, ours.message, ours.hint, _exit_code(ours))


def _ours(error: BaseException) -> QuestlineError:
    """Return the error that says in our words what others raise."""
    if isinstance(error, typer.TyperException):
        return UsageMistake(error.format_message().replace(_NOISE, ""), hint=_help_hint(error))
    if isinstance(error, UnicodeEncodeError):  # a word of the command line that is no UTF-8, on its way to the store
        return UsageMistake(f"{error.object!r:.100} is no UTF-8 text", hint="write it in UTF-8")
    if isinstance(error, PermissionError):
        return NotAllowed(str(error), hint="run as a user who may do this")
    hint = None if debugging() else "set QUESTLINE_LOG_LEVEL=debug to see where it happened"
    return Unexpected(summary_of(error), hint=hint)


def report(error: BaseException, chosen: output.Output) -> int:
    """Print an exception, without a traceback unless it is unexpected and debugging is on; return the exit code."""
    failure = explain(error)
    if failure.exit_code == ExitCode.UNEXPECTED and debugging():
        output.note(traceback_of(error))
    print_failure(failure, chosen)
    return failure.exit_code


def print_failure(failure: Failure, chosen: output.Output) -> None:
    """Print one error: an object on stdout for scripts, two lines on stderr for people."""
    if chosen is not output.Output.TEXT:
        output.write_json({"error": failure.to_json()}, chosen)
        return
    timed_out = failure.exit_code == ExitCode.TIMED_OUT
    if timed_out or failure.code == Aborted.code:  # nothing is wrong
        output.note(f"{failure.message[:1].upper()}{failure.message[1:]}.")
    else:
        output.note(f"Error: {failure.message}")
    if failure.hint:
        output.note(f"Hint: {failure.hint}")
    if timed_out:
        output.note(f"Exit code {failure.exit_code:d}: {MEANINGS[ExitCode.TIMED_OUT]}.")


def debugging() -> bool:
    """Tell whether the environment asks for debug output; settings may be what is broken, so they are not read."""
    return os.environ.get("QUESTLINE_LOG_LEVEL", "").lower() == "debug"


def _exit_code(error: QuestlineError) -> int:
    if error.code == "import":  # the worker floor's name for a module of Lords that cannot be imported
        return ExitCode.USAGE
    if isinstance(error, QuestFailed):
        return outcome(error.status)
    found = (code for kind, code in _EXIT_CODES.items() if isinstance(error, kind))
    return next(found, ExitCode.UNEXPECTED)


def _help_hint(error: typer.TyperException) -> str | None:
    context = getattr(error, "ctx", None)
    return None if context is None else f"run: {context.command_path} --help"
