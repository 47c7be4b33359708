"""Our log lines: structured, and handed to the standard library's logging, which the application configures.

An application that configures nothing sees warnings as plain text and nothing else, as with any library.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any

import structlog

from questline_persistence.errors import is_tellable, summary_of, traceback_of

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
        text = " ".join([str(self.get("event", "")), *(f"{key}={_text(value)}" for key, value in fields.items())])
        return f"{text}\n{self['exception']}" if "exception" in self and not self.traced else text


def _text(value: object) -> str:
    """Return the text of a value, of any kind: a handler may log anything."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  (it is the value's own)
        return f"<a {type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _as_line(_logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    line = _Line(event)
    line.traced = method == "exception" and is_tellable(sys.exc_info()[1])
    return line


#: The attribute under which a record of the standard library carries the line that it tells of, and the text of that.
_LINE = "questline_line"


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a line of ours; empty for another's, and where somebody's filter has changed the text."""
    line: dict[str, Any]
    line, text = getattr(record, _LINE, ({}, None))
    return line if record.msg == text else {}


def _handed_on(_logger: object, method: str, line: structlog.typing.EventDict) -> tuple[Any, dict[str, Any]]:
    """Return how the standard library is called: with text, since a project's filters and handlers know nothing else.

    It would raise where it could not put an error into words.
    """
    text = str(line)
    options: dict[str, Any] = {"extra": {_LINE: (line, text)}}
    plain = method != "exception" or (isinstance(line, _Line) and line.traced)
    return (text,), options if plain else {**options, "exc_info": False}


class CarefulLogger(structlog.stdlib.BoundLogger):
    """Never raises, whatever a project's filter, handler or record factory does with a line: work goes before words."""

    def __call__(self, event: str | None = None, *args: Any, **fields: Any) -> Any:
        """Say a line of the level `info`."""
        return self.info(event, *args, **fields)

    def _proxy_to_logger(self, method_name: str, event: str | None = None, *event_args: Any, **event_kw: Any) -> Any:
        try:
            return super()._proxy_to_logger(method_name, event, *event_args, **event_kw)
        except Exception as error:  # noqa: BLE001  (it is theirs)
            with suppress(Exception):
                print(f"questline: the log line {event} was lost: {summary_of(error)}", file=sys.stderr)  # noqa: T201


#: The structlog processor that puts an error into a line's `exception`.
render_exception = structlog.processors.ExceptionRenderer(lambda exc_info: traceback_of(exc_info[1]))


def get_logger(name: str, *, heard: structlog.typing.Processor | None = None) -> CarefulLogger:
    """Return the logger of a module; its lines carry the context variables bound by `structlog.contextvars`.

    Parameters:
      name: what the standard library calls it.
      heard: told of each line first, be it of a level that is not logged; it returns the line.
    """
    logger: CarefulLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            *(() if heard is None else (heard,)),
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            render_exception,
            _as_line,
            _handed_on,
        ],
        wrapper_class=CarefulLogger,
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return logger
