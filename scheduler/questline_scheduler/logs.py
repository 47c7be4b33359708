"""How a process of ours writes its log: one line per event on stderr, Dramatiq's and other libraries' included."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO

import structlog

from questline_persistence.log import OURS, enable_loggers, fields_of, is_ours, render_exception
from questline_persistence.settings import Settings

#: Longest value of one field in a log line, in characters.
MAX_FIELD = 2_000
#: Longest traceback in a log line, in characters: the text of an exception may hold a whole payload.
MAX_EXCEPTION = 20_000
#: Loggers of other libraries that would drown ours.
_CHATTY = ("alembic", "sqlalchemy", "redis", "uvicorn", "watchfiles")


def configure_logging(chosen: Settings) -> None:
    """Write log lines to stderr, in place of whatever else the root logger has written to.

    Parameters:
      chosen: of which `log_format` and `log_level` count; the format "auto" is for people at a terminal, else JSON.
    """
    root = logging.getLogger()
    root.handlers[:] = [_handler(chosen)]
    root.setLevel(chosen.log_level.upper())
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)  # as root's, until a project has changed that one
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def restore_logging(chosen: Settings) -> None:
    """Write our own lines again, whatever the modules of a project have configured as they were imported.

    Their handlers stay and get what they got, but for one case: where both sides write to the terminal, ours tells of
    our work and theirs of everything else, so that no line comes twice.

    Parameters:
      chosen: of which `log_format` and `log_level` count; a level that a module has set for our loggers stays.
    """
    enable_loggers()
    logging.disable(logging.NOTSET)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.setLevel(logger.level or chosen.log_level.upper())
    root = logging.getLogger()
    ours = next((handler for handler in root.handlers if isinstance(handler, _Stderr)), None)
    if ours is None:
        ours = _handler(chosen)
        root.addHandler(ours)
    theirs = [handler for handler in root.handlers if handler is not ours and _is_on_terminal(handler)]
    if theirs:
        ours.addFilter(is_ours)
    for handler in theirs:
        handler.addFilter(_is_theirs)


def _is_on_terminal(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and handler.stream in {sys.stdout, sys.stderr}


def _is_theirs(record: logging.LogRecord) -> bool:
    return not is_ours(record)


def _handler(chosen: Settings) -> _Stderr:
    """Return what writes log lines to stderr in the form that was asked for."""
    terminal = sys.stderr.isatty()
    as_json = chosen.log_format == "json" or (chosen.log_format == "auto" and not terminal)
    handler = _Stderr(sys.stderr)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.PositionalArgumentsFormatter(),
                render_exception,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _cut,
                structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=terminal),
            ],
        )
    )
    return handler


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders our own lines from their fields, unless a project's filter has changed the text; others from that."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        if fields := fields_of(record):
            told = {"msg": fields, "_logger": None, "_name": record.levelname.lower()}
            record = logging.makeLogRecord(record.__dict__ | told)
        return super().format(record)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to stderr, and never raises, not even where logging cannot say what is wrong with a line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is the standard library's)
        """Tell of a line that could not be written."""
        with suppress(Exception):
            super().handleError(record)


def _cut(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Shorten long values, so that no payload fills the terminal; an exception keeps its beginning and its end."""
    for key, value in event.items():
        if key == "exception" and len(value) > MAX_EXCEPTION:
            event[key] = f"{value[: MAX_EXCEPTION // 2]}\n…\n{value[-MAX_EXCEPTION // 2 :]}"
        elif key != "exception":
            event[key] = _short(value)
    return event


def _short(value: object) -> object:
    """Return a value of any kind, or the beginning of its text where that is long."""
    if isinstance(value, bool | int | float | None):
        return value
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:  # noqa: BLE001  (a handler may log anything)
        return f"<a {type(value).__name__} that cannot be shown: {type(error).__name__}>"
    return value if len(text) <= MAX_FIELD else f"{text[:MAX_FIELD]}… ({len(text):,} characters)"
