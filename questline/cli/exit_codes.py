"""What the exit code of `questline` tells scripts."""

from __future__ import annotations

from enum import IntEnum

from questline_persistence.states import ExecutionStatus


class ExitCode(IntEnum):
    """One meaning per number; they are part of the contract and never change."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    CONFLICT = 5
    NOT_ALLOWED = 6
    CONFIGURATION = 7
    QUEST_FAILED = 8
    QUEST_STOPPED = 9
    TIMED_OUT = 124
    INTERRUPTED = 130


#: What each of them tells people.
MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.UNEXPECTED: "an error that nobody foresaw",
    ExitCode.USAGE: "a wrong command line, or a module that cannot be imported",
    ExitCode.UNREACHABLE: "the database or the broker cannot be reached",
    ExitCode.NOT_FOUND: "there is nothing of that name",
    ExitCode.CONFLICT: "the present state does not allow it",
    ExitCode.NOT_ALLOWED: "this user may not do this",
    ExitCode.CONFIGURATION: "the schema or a setting is wrong",
    ExitCode.QUEST_FAILED: "the quest that you waited for failed",
    ExitCode.QUEST_STOPPED: "the quest that you waited for was cancelled, or is paused",
    ExitCode.TIMED_OUT: "the time of the wait is over; the quest goes on",
    ExitCode.INTERRUPTED: "Ctrl-C",
}


def outcome(status: str) -> ExitCode:
    """Return the exit code that tells how a quest ended that was waited for."""
    if status == ExecutionStatus.COMPLETED:
        return ExitCode.OK
    return ExitCode.QUEST_FAILED if status == ExecutionStatus.FAILED else ExitCode.QUEST_STOPPED
