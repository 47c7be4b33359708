"""What one attempt says: numbered, bounded by a word that says what is missing, and never an error of its own."""

import json

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.step_log import LineKind, LogLine
from questline_worker.lords import AttemptLog, LordContext, Outputs
from questline_worker.lords import attempt_log as module
from tests.unit.worker.conftest import MakeClaim

NOTHING: Outputs = {}  # type: ignore[assignment]  # nothing of it is asked for


@pytest.fixture
def lines() -> list[LogLine]:
    return []


@pytest.fixture
def context(make_claim: MakeClaim, lines: list[LogLine]) -> LordContext:
    def put(line: LogLine) -> bool:
        lines.append(line)
        return True

    return LordContext(make_claim(), NOTHING, lambda: True, put=put)


@pytest.fixture
def said(context: LordContext) -> AttemptLog:
    return context.said


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("not a word")


def test_lines_and_values_are_numbered_in_the_order_in_which_they_were_said(
    context: LordContext, lines: list[LogLine]
) -> None:
    context.log.info("designing %s", "billing", attempt_of=1, seen={"a": 1})
    context.emit([1, "é"])
    context.log.warning("slow")
    context.log("said %s", "briefly", n=1)

    assert [(line.seq, line.kind, line.level, line.message) for line in lines] == [
        (1, LineKind.LOG, "info", "designing billing"),
        (2, LineKind.DATA, None, None),
        (3, LineKind.LOG, "warning", "slow"),
        (4, LineKind.LOG, "info", "said briefly"),
    ]
    assert [line.value for line in lines] == [{"attempt_of": 1, "seen": {"a": 1}}, [1, "é"], None, {"n": 1}]


def test_lines_for_debugging_are_kept_only_where_they_are_logged(
    context: LordContext, lines: list[LogLine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "questline.lord")
    context.log.debug("hidden")
    caplog.set_level("DEBUG", "questline.lord")
    context.log.debug("shown")

    assert [line.message for line in lines] == ["shown"]


def test_a_line_of_a_level_that_the_process_does_not_log_is_kept_all_the_same(
    context: LordContext, lines: list[LogLine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("ERROR", "questline.lord")
    context.log.info("quiet")

    assert [line.message for line in lines] == ["quiet"]
    assert caplog.records == []


def test_an_error_that_is_logged_brings_its_traceback(context: LordContext, lines: list[LogLine]) -> None:
    try:
        int("seven")
    except ValueError:
        context.log.exception("skipped")

    assert lines[0].level == "error"
    assert "ValueError: invalid literal" in lines[0].value["exception"]


@pytest.mark.parametrize("value", [object(), Unspeakable(), {1: 2}, float("nan"), "x" * 9_000, b"\xff", 2**70])
def test_whatever_is_logged_becomes_a_line(context: LordContext, lines: list[LogLine], value: object) -> None:
    context.log.info("here \0 \ud800 %s %s", value, value=value)

    assert json.loads(lines[0].data or "")["value"]
    assert "\0" not in (lines[0].message or "")
    assert lines[0].size < module.MAX_MESSAGE + module.MAX_FIELD + 100


def test_a_value_that_is_no_json_is_an_error_and_one_that_is_too_large_is_told_of(
    context: LordContext, lines: list[LogLine]
) -> None:
    with pytest.raises(PayloadError, match="not JSON"):
        context.emit({1, 2})
    context.emit("x" * module.MAX_EMITTED)

    assert [(line.kind, line.message) for line in lines] == [
        (LineKind.LEFT_OUT, "A value of 64,002 bytes was left out: the limit is 64,000.")
    ]


def test_an_attempt_says_at_most_so_many_lines_and_tells_what_is_missing(
    said: AttemptLog, lines: list[LogLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LINES", 3)
    for number in range(10):
        said.say("info", str(number))
    assert [line.message for line in lines[:3]] == ["0", "1", "2"]
    assert lines[3].message == "This attempt has said 3 lines: what follows is left out."
    said.close()

    assert [(line.kind, line.message) for line in lines[4:]] == [
        (LineKind.LEFT_OUT, "7 lines were left out: more than can be kept.")
    ]
    assert [line.seq for line in lines] == [1, 2, 3, 4, 5]


def test_an_attempt_says_at_most_so_much(
    said: AttemptLog, lines: list[LogLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SIZE", 100)
    for _ in range(3):
        said.say("info", "x" * 60)

    assert [line.kind for line in lines] == [LineKind.LOG, LineKind.LEFT_OUT]


def test_lines_beyond_the_rate_are_counted_and_told_of_with_the_next_one(
    said: AttemptLog, lines: list[LogLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    monkeypatch.setattr(module, "MAX_RATE", 2)
    for number in range(5):
        said.say("info", str(number))
    now = 101.0
    said.say("info", "later")

    assert [line.message for line in lines] == ["0", "1", "3 lines were left out: more than can be kept.", "later"]


def test_lines_for_which_there_was_no_room_are_told_of_once_there_is(make_claim: MakeClaim) -> None:
    full, lines = True, list[LogLine]()
    log = AttemptLog(make_claim(), lambda line: not full and not lines.append(line))  # type: ignore[func-returns-value]
    log.say("info", "lost")
    full = False
    log.say("info", "kept")

    assert [(line.seq, line.message) for line in lines] == [
        (1, "1 line was left out: more than can be kept."),
        (2, "kept"),
    ]
