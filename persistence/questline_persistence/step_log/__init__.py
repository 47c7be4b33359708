"""What steps say while they run: their lines, how they are written, read and followed.

It imports `records`, `schema` and what is below. A worker writes the lines of all its steps together, beside their
checkpoints and never in one transaction with them.
"""

from questline_persistence.step_log.line import LineKind, LogLine
from questline_persistence.step_log.reading import MAX_LINES_PAGE, LogTail, StepLog
from questline_persistence.step_log.writing import write_lines

__all__ = ["MAX_LINES_PAGE", "LineKind", "LogLine", "LogTail", "StepLog", "write_lines"]
