"""The entry of the console script: runs one command and turns whatever happens into an exit code."""

from __future__ import annotations

import gc
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import typer

from questline.cli import failures
from questline.cli.app import app
from questline.cli.display import Output, StdoutClosed, output
from questline.cli.exit_codes import ExitCode
from questline.cli.first_process import go_on_below, is_first
from questline_scheduler.standard_streams import open_standard_streams
from questline_worker.own_imports import keep_own_imports

#: The name in usage lines, hints and completion, however the program was started.
PROGRAM = "questline"
#: How many more things Python may hold before it looks for garbage. A command makes next to none, but its imports make
#: a hundred thousand things, and looking through them takes a tenth of their time.
_MORE_THINGS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of `questline` and return its exit code.

    Parameters:
      arguments: the words after `questline`; those of this process, if not given.
    """
    if arguments is None:
        gc.set_threshold(_MORE_THINGS)
        open_standard_streams()
        keep_own_imports()
        if is_first():
            go_on_below()
    code = _outcome(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        _leave_threads(code)
    return code


def _outcome(words: list[str]) -> int:
    output.accept_any_text(sys.stdout)
    try:
        with _warnings_as_notes():
            return _run(words)
    except StdoutClosed:
        _forget_stdout()
        return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _leave_threads(code: int) -> None:
    """End the process where a module of the project has begun a thread: Python would wait for it, maybe for ever."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in others):
        import logging  # noqa: PLC0415  (most commands need it for nothing else)

        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Write warnings meant for users as one line each, without the place in our code that Python would add."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def note(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, UserWarning):
                output.note(f"Warning: {message}")
            else:
                show(message, category, *place)

        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = note  # type: ignore[assignment]  # the rest of its arguments is the place
        yield


def _run(words: list[str]) -> int:
    try:
        code = _commands().main(args=words, prog_name=PROGRAM, standalone_mode=False)
    except (typer.TyperException, Exception) as error:
        if isinstance(error, StdoutClosed):
            raise
        return failures.report(error, asked_output(words))
    return code if isinstance(code, int) else ExitCode.OK


@cache
def _commands() -> Any:
    """Return the commands in the form that reads words. To make it takes 25 ms."""
    return typer.main.get_command(app)


def asked_output(words: Sequence[str]) -> Output:
    """Return the output that a command line asks for, even if the rest of it cannot be understood."""
    for here, following in zip(words, [*words[1:], ""], strict=True):
        if here == "--":
            break
        value = following if here in {"-o", "--output"} else here.removeprefix("--output=").removeprefix("-o")
        if here.startswith(("-o", "--output")) and value in set(Output):
            return Output(value)
    return Output.TEXT


def _forget_stdout() -> None:
    """Keep the interpreter from complaining, at its end, that stdout is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
