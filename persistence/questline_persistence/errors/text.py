"""Errors in words, whatever is wrong with them: what handlers raise may be unable to say what it is.

A `SyntaxError` with bytes for its text, or a `__str__` that raises, makes Python's own traceback module raise in turn.
Nothing here does: it tells less instead.
"""

from __future__ import annotations

import traceback


def message_of(error: BaseException) -> str:
    """Return the text of an error, or that it has none which could be read."""
    try:
        return f"{error}"
    except BaseException as flaw:  # noqa: BLE001  (whatever it is, there is an error to tell of)
        return f"<its text cannot be read: {type(flaw).__name__}>"


def summary_of(error: BaseException) -> str:
    """Return an error's type and text, as a traceback ends with them."""
    try:
        return "".join(traceback.format_exception_only(error)).strip()
    except BaseException:  # noqa: BLE001  (as above)
        return f"{type(error).__name__}: {message_of(error)}"


def traceback_of(error: BaseException, *, without: tuple[str, ...] = ()) -> str:
    """Return the traceback of an error, with its causes and the members of its group.

    Parameters:
      without: where the files begin whose frames are left out.
    """
    try:
        told = traceback.TracebackException.from_exception(error)
        _leave_out(told, without)
        return "".join(told.format()).strip()
    except BaseException:  # noqa: BLE001  (as above)
        return _frames_of(error, without) + summary_of(error)


def is_tellable(error: BaseException | None) -> bool:
    """Return whether Python itself can put an error into words, as logging does by default."""
    try:
        traceback.format_exception(error)
    except BaseException:  # noqa: BLE001  (as above)
        return False
    return True


def _frames_of(error: BaseException, without: tuple[str, ...]) -> str:
    """Return where an error was raised, without what it is."""
    place = object.__getattribute__(error, "__traceback__")  # whatever its own attributes do
    frames = [frame for frame in traceback.extract_tb(place) if not frame.filename.startswith(without)]
    return "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames)]) if frames else ""


def _leave_out(told: traceback.TracebackException, without: tuple[str, ...]) -> None:
    """Leave out frames, also those of causes and of an exception group's members."""
    left = [told]
    while left:
        one = left.pop()
        one.stack = traceback.StackSummary.from_list(
            [frame for frame in one.stack if not frame.filename.startswith(without)]
        )
        left += [inner for inner in (one.__cause__, one.__context__, *(one.exceptions or ())) if inner is not None]
