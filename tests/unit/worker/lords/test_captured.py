"""What handlers print and log by Python's own means, if that is asked for."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context

import pytest

from questline_persistence.log import get_logger
from questline_persistence.step_log import LogLine
from questline_worker.lords import LordContext, lord
from questline_worker.steps import Execution, RunningStep
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim


@pytest.fixture(autouse=True)
def own_streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:]
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    yield
    root.handlers[:] = before


def talk(ctx: LordContext) -> None:
    print("half", end=" ")  # noqa: T201
    print("a line\n\nand another")  # noqa: T201
    logging.getLogger("theirs").warning("careful %s", "now")
    get_logger("questline_worker.steps").warning("ours")
    ctx.log.warning("said")
    thread = threading.Thread(target=copy_context().run, args=(print, "from a thread"))
    thread.start()
    thread.join()


def said(bench: Workbench, make_claim: MakeClaim, *, captures: bool) -> list[tuple[str | None, str | None]]:
    lines: list[LogLine] = []
    lord("a", "work")(talk)

    def put(line: LogLine) -> bool:
        lines.append(line)
        return True

    Execution(bench.repository, put, captures=captures).begin(RunningStep(make_claim(), lambda _: True))
    return [(line.level, line.message) for line in lines]


def test_what_a_handler_prints_and_logs_is_said_line_by_line_and_printed_all_the_same(
    bench: Workbench, make_claim: MakeClaim, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(bench, make_claim, captures=True) == [
        ("info", "half a line"),
        ("info", "and another"),
        ("warning", "careful now"),
        ("warning", "said"),
        ("info", "from a thread"),
    ]
    print("nobody's")  # noqa: T201
    assert capsys.readouterr().out == "half a line\n\nand another\nfrom a thread\nnobody's\n"


def test_nothing_of_it_is_kept_unless_that_is_asked_for(bench: Workbench, make_claim: MakeClaim) -> None:
    assert said(bench, make_claim, captures=False) == [("warning", "said")]
