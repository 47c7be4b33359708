"""Our log lines: structured, and handed to the standard library's logging, which the application configures.

An application that configures nothing sees warnings as plain text and nothing else, as with any library.
"""

from __future__ import annotations

import logging
from typing import Any

import structlog


class _Line(dict[str, Any]):
    """A log line that reads well also where nobody renders it."""

    #: Whether the standard library prints the traceback by itself.
    traced = False

    def __str__(self) -> str:
        fields = {key: value for key, value in self.items() if key not in {"event", "level", "logger", "exception"}}
        text = " ".join([str(self.get("event", "")), *(f"{key}={value}" for key, value in fields.items())])
        return f"{text}\n{self['exception']}" if "exception" in self and not self.traced else text


def _as_line(_logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    line = _Line(event)
    line.traced = method == "exception"
    return line


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; its lines carry the context variables bound by `structlog.contextvars`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            _as_line,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return logger
