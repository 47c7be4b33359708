from itertools import islice, pairwise

import pytest

from questline_scheduler.pauses import GROWTH, growing_pauses


def test_pauses_grow_from_the_first_to_the_longest_and_no_further() -> None:
    pauses = list(islice(growing_pauses(0.01, 0.25), 40))

    assert pauses[0] == 0.01
    assert all(after == pytest.approx(min(before * GROWTH, 0.25)) for before, after in pairwise(pauses))
    assert pauses[-1] == 0.25
