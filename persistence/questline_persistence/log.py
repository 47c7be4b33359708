"""Our log lines: structured, and handed to the standard library's logging, which the application configures.

An application that configures nothing sees warnings as plain text and nothing else, as with any library.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from questline_persistence.error_text import is_tellable, traceback_of

#: The top-level loggers whose lines tell of our work.
OURS = (
    *("questline", "questline_persistence", "questline_scheduler", "questline_worker", "questline_gateway"),
    "dramatiq",
)


def is_ours(record: logging.LogRecord) -> bool:
    """Return whether a line tells of our work."""
    return record.name.partition(".")[0] in OURS


def enable_loggers() -> None:
    """Switch our loggers on: `logging.config` switches off all that it does not know, if it is not told otherwise."""
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in OURS:
            logger.disabled = False


class _Line(dict[str, Any]):
    """A log line that reads well also where nobody renders it."""

    #: Whether the standard library is to print the traceback by itself.
    traced = False

    def __str__(self) -> str:
        fields = {key: value for key, value in self.items() if key not in {"event", "level", "logger", "exception"}}
        text = " ".join([str(self.get("event", "")), *(f"{key}={value}" for key, value in fields.items())])
        return f"{text}\n{self['exception']}" if "exception" in self and not self.traced else text


def _as_line(_logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    line = _Line(event)
    line.traced = method == "exception" and is_tellable(sys.exc_info()[1])
    return line


def _handed_on(logger: logging.Logger, method: str, line: structlog.typing.EventDict) -> tuple[Any, dict[str, Any]]:
    """Return how the standard library is called; it would raise where it could not put the error into words."""
    arguments, options = structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, method, line)
    plain = method != "exception" or (isinstance(line, _Line) and line.traced)
    return arguments, options if plain else {**options, "exc_info": False}


#: The structlog processor that puts an error into a line's `exception`.
render_exception = structlog.processors.ExceptionRenderer(lambda exc_info: traceback_of(exc_info[1]))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; its lines carry the context variables bound by `structlog.contextvars`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            render_exception,
            _as_line,
            _handed_on,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return logger
