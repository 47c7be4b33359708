"""What `docs/project/protocol.md` says of invariants, loops and tests is so."""

import re

import pytest

from questline_persistence.claims import REDISPATCH_FIRST, REDISPATCH_LONGEST
from questline_persistence.recovery import MAX_REDISPATCH
from questline_persistence.recovery.sweep import MAX_SWEEP
from questline_persistence.settings import Settings
from questline_scheduler.doorbells import PATIENCE_SECONDS
from questline_scheduler.loops import lost_bells, relay, retention
from questline_scheduler.loops.timers import Timers
from questline_worker.middleware import Watchdog, lease, standby
from tests.acceptance.docs.pages import ROOT
from tests.acceptance.docs.test_faults import functions, named_in
from tests.failpoints.invariants import BROKEN
from tests.model.explore import STUCK
from tests.model.invariants import ACROSS, ALWAYS

TEXT = (ROOT / "docs" / "project" / "protocol.md").read_text()
#: The numbers in the row of each loop: how often it looks, and what bounds it.
LOOPS = {
    "relay": (relay.INTERVAL_WITH_SERVER, REDISPATCH_FIRST, REDISPATCH_LONGEST, MAX_REDISPATCH),
    "lost bells": (lost_bells.REST_SECONDS, lost_bells.PAGE),
    "sweeper": (Settings.model_fields["sweep_seconds"].default, MAX_SWEEP),
    "timers": (Timers.interval,),
    "retention": (retention.REST_SECONDS, retention.AT_ONCE, retention.NEXT_SECONDS),
    "heartbeat": (
        *(Settings.model_fields[f"{name}_seconds"].default for name in ("heartbeat", "lease")),
        lease.MAX_STRAYS,
    ),
    "watchdog": (Watchdog.interval,),
    "giving back": (PATIENCE_SECONDS,),
    "standby": (standby.IDLE_SECONDS, standby.LOOK_SECONDS),
}


def rows(first: str) -> list[list[str]]:
    """Return the cells of the table whose first column is called so."""
    lines = TEXT.split(f"\n| {first} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def test_the_invariants_are_those_that_are_checked() -> None:
    checked = {name.split()[0] for name in (*BROKEN, *ALWAYS, *ACROSS, STUCK) if re.match(r"I\d+ ", name)}

    assert [row[0] for row in rows("name")] == sorted(checked, key=lambda name: int(name[1:]))


def test_the_rows_of_the_loops_are_those_of_the_code() -> None:
    assert [row[0] for row in rows("loop")] == list(LOOPS)


@pytest.mark.parametrize("loop", LOOPS)
def test_the_numbers_of_a_loop_are_those_of_the_code(loop: str) -> None:
    (row,) = [row for row in rows("loop") if row[0] == loop]
    numbers = [float(number.replace(",", "")) for number in re.findall(r"\d[\d,.]*\b", " ".join(row))]

    assert numbers == list(LOOPS[loop])


def test_every_file_and_test_that_is_named_exists() -> None:
    files = re.findall(r"`((?:tests|persistence)/[\w/]+(?:\.py)?)`", TEXT)
    tests = [name for row in rows("trap") for name in named_in(row[-1])]

    assert [file for file in files if not (ROOT / file).exists()] == []
    assert all(named_in(row[-1]) for row in rows("trap")), "a trap without a test"
    assert [name for name in tests if name[1] not in functions(name[0])] == []
