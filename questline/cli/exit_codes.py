"""What the exit code of `questline` tells scripts."""

from __future__ import annotations

from enum import IntEnum


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
