"""Who runs the next step, in every situation."""

from itertools import product

import pytest

from questline_worker.steps.next_runner import NextRunner, Situation, who_runs_next

#: What each column means is told by `Situation`; a dash stands for both.
TABLE = """
open on_worker_thread in_turn places_left crowded → who
no   yes              -       -           -       → QUEUE
no   no               no      -           -       → QUEUE
yes  yes              yes     yes         -       → NEXT_THREAD
yes  yes              yes     no          -       → THIS_THREAD
yes  yes              no      -           no      → THIS_THREAD
yes  yes              no      -           yes     → QUEUE
yes  no               no      -           no      → FREE_THREAD
yes  no               no      -           yes     → QUEUE
"""
_MEANING = {"yes": (True,), "no": (False,), "-": (True, False)}


def situations() -> list[tuple[Situation, NextRunner]]:
    """Return every situation that a row of the table stands for, with who runs the next step then."""
    found: list[tuple[Situation, NextRunner]] = []
    for row in TABLE.strip().splitlines()[1:]:
        cells, who = row.split(" → ")
        meant = product(*(_MEANING[cell] for cell in cells.split()))
        found += [(Situation(*facts), NextRunner[who]) for facts in meant]
    return found


@pytest.mark.parametrize(("situation", "runner"), situations())
def test_the_situation_decides_who_runs_the_next_step(situation: Situation, runner: NextRunner) -> None:
    assert who_runs_next(situation) is runner


def test_the_table_has_each_situation_once() -> None:
    found = [situation for situation, _ in situations()]
    possible = [Situation(*facts) for facts in product((True, False), repeat=len(Situation._fields))]
    assert sorted(found) == sorted(each for each in possible if each.on_worker_thread or not each.in_turn)
