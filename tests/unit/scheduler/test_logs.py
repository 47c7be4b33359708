import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from structlog.contextvars import bound_contextvars

from questline_persistence.log import get_logger
from questline_persistence.settings import load
from questline_scheduler.logs import MAX_FIELD, configure_logging, restore_logging

log = get_logger("questline.test")


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """Give the root logger its handlers and level back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert out == "", "stdout is for results"
    return err.splitlines()


def _fail(message: str) -> None:
    raise ValueError(message)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    log.warning("step_failed", quest_id="q1", attempt=2, error="two\nlines")
    (line,) = _lines(capsys)
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "step_failed",
        "quest_id": "q1",
        "attempt": 2,
        "error": "two\nlines",
        "level": "warning",
        "logger": "questline.test",
    }


def test_auto_is_json_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="auto"))
    log.warning("hello")
    assert json.loads(_lines(capsys)[0])["event"] == "hello"


def test_console_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="console"))
    log.warning("step_failed", quest_id="q1")
    (line,) = _lines(capsys)
    assert "step_failed" in line
    assert "quest_id=q1" in line
    assert "\x1b" not in line, "colours are for terminals"


def test_lines_of_other_libraries_look_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    logging.getLogger("dramatiq.worker").warning("%s is %d", "x", 7)
    (line,) = _lines(capsys)
    told = json.loads(line)
    assert (told["event"], told["logger"], told["level"]) == ("x is 7", "dramatiq.worker", "warning")


def test_context_is_told_with_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    with bound_contextvars(quest_id="q1", position="0003"):
        log.info("hello")
        logging.getLogger("a.handler").warning("mine")
    for line in _lines(capsys):
        told = json.loads(line)
        assert (told["quest_id"], told["position"]) == ("q1", "0003")


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json", log_level="warning"))
    log.info("quiet")
    log.warning("loud")
    assert [json.loads(line)["event"] for line in _lines(capsys)] == ["loud"]


def test_logging_that_is_restored_keeps_the_level_and_configuring_it_anew_sets_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(load(log_format="json", log_level="warning"))
    restore_logging(load(log_format="json", log_level="warning"))
    log.info("quiet")
    configure_logging(load(log_format="json", log_level="info"))
    log.info("told")
    configure_logging(load(log_format="json", log_level="warning"))
    log.info("quiet again")
    assert [json.loads(line)["event"] for line in _lines(capsys)] == ["told"]


def test_long_fields_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    log.warning("failed", error="x" * 1_000_000)
    told = json.loads(_lines(capsys)[0])
    assert told["error"] == "x" * MAX_FIELD + "… (1,000,000 characters)"


def test_long_fields_that_are_no_text_are_cut_and_short_ones_are_told_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(load(log_format="json"))
    log.warning("step_failed", data={"rows": ["y" * 100] * 1_000}, ids=["a", "b"], count=3)
    told = json.loads(_lines(capsys)[0])
    assert len(told["data"]) < MAX_FIELD + 100
    assert (told["ids"], told["count"]) == (["a", "b"], 3)


def test_a_long_exception_is_cut_too_and_keeps_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    try:
        _fail("x" * 1_000_000 + " the end")
    except ValueError:
        log.exception("failed")
    (line,) = _lines(capsys)
    told = json.loads(line)["exception"]
    assert len(told) < 50_000
    assert told.startswith("Traceback")
    assert told.endswith("the end")


def test_an_exception_is_told_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    try:
        _fail("dry")
    except ValueError:
        log.exception("failed")
    assert "ValueError: dry" in json.loads(_lines(capsys)[0])["exception"]


def test_configuring_twice_writes_no_line_twice(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    configure_logging(load(log_format="json"))
    log.warning("once")
    assert len(_lines(capsys)) == 1


def test_a_value_that_is_not_json_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    log.warning("odd", value={1, 2}, path=object)
    assert json.loads(_lines(capsys)[0])["event"] == "odd"


def _raise_odd_error() -> None:
    raise SyntaxError("odd token", ("rules.cfg", 3, 1, b"a = = b"))  # type: ignore[arg-type]


def test_an_error_that_cannot_be_told_is_logged_with_what_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    try:
        _raise_odd_error()
    except SyntaxError as error:
        log.exception("ours")
        log.warning("given", exc_info=error)
        logging.getLogger("a.handler").exception("theirs")
    told = [json.loads(line) for line in _lines(capsys)]
    assert [line["event"] for line in told] == ["ours", "given", "theirs"]
    assert all("_raise_odd_error" in line["exception"] for line in told)
    assert all("SyntaxError: odd token" in line["exception"] for line in told)


def test_a_value_that_cannot_be_shown_costs_nobody_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    configure_logging(load(log_format="json"))
    log.warning("odd", value=Shy(), inside=[Shy()], count=3)
    told = json.loads(_lines(capsys)[0])
    assert (told["event"], told["count"]) == ("odd", 3)
    assert "Shy" in told["value"]


class Redacting(logging.Filter):
    """What projects write to keep secrets out of their logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = re.sub(r"token=\S+", "token=***", record.msg)
        return True


def test_a_projects_filter_gets_text_and_what_it_changes_is_what_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(load(log_format="json"))
    logging.getLogger().handlers[0].addFilter(Redacting())
    log.warning("odd token=secret", count=3)
    log.warning("plain", count=3)
    odd, plain = (json.loads(line) for line in _lines(capsys))

    assert odd["event"] == "odd token=*** count=3"
    assert (plain["event"], plain["count"]) == ("plain", 3)


def test_a_filter_that_raises_costs_the_line_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise TypeError(f"no {record.levelname}")

    configure_logging(load(log_format="json"))
    logging.getLogger().handlers[0].addFilter(Broken())
    log.warning("odd", count=3)

    assert _lines(capsys) == ["questline: the log line odd was lost: TypeError: no WARNING"]


UNCONFIGURED = """
import threading
from questline_scheduler.loops.loops import Loop
from questline_persistence.log import get_logger

class Service:
    name, interval, ran = "broken", 0.001, threading.Event()
    def run_once(self, *, now=None):
        if self.ran.is_set():
            raise SystemExit
        {act}
        self.ran.set()

log = get_logger("questline")
loop = Loop(Service())
loop.start()
Service.ran.wait(10)
loop.stop()
"""


@pytest.mark.parametrize(("act", "told"), [("log.info('hello', x=1)", ""), ("log.warning('uh', x=1)", "uh x=1\n")])
def test_a_program_that_configures_nothing_sees_warnings_on_stderr_and_nothing_else(act: str, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCONFIGURED.format(act=act)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert done.stderr == told


def test_a_program_that_configures_nothing_can_log_an_error_that_cannot_be_told() -> None:
    program = (
        "from questline_persistence.log import get_logger\n"
        "try:\n"
        "    raise SyntaxError('odd token', ('f', 1, 1, b'x'))\n"
        "except SyntaxError:\n"
        "    get_logger('questline').exception('uh')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("uh\nTraceback")
    assert "SyntaxError: odd token" in done.stderr


def test_a_program_that_configures_nothing_gets_the_warnings_of_a_loop_on_stderr() -> None:
    program = UNCONFIGURED.format(act="self.ran.set(); raise RuntimeError('dry')")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.startswith("loop_failed loop=broken error=dry failures=1")


def test_a_loop_that_meets_an_error_of_ours_tells_it_with_its_hint_and_no_traceback() -> None:
    refused = "raise __import__('questline').NotAllowed('no right', hint='run: GRANT')"
    done = subprocess.run(
        [sys.executable, "-c", UNCONFIGURED.format(act=f"self.ran.set(); {refused}")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "loop_failed loop=broken error=no right; run: GRANT failures=1\n"
