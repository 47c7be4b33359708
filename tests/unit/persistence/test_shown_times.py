"""Times and lengths of time, as people are shown them."""

import pytest

from questline_persistence import shown_times


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.25, "250 ms"),
        (59.94, "59.9 s"),
        (61, "1 m 1 s"),
        (7260, "2 h 1 m"),
        (90_000, "1 d 1 h"),
        (1e8, "1157 d 9 h"),
    ],
)
def test_a_length_is_shown_in_the_units_that_matter(seconds: float | None, shown: str) -> None:
    assert shown_times.length(seconds) == shown


def test_moments_are_shown_from_where_we_stand() -> None:
    assert shown_times.ago(90.0, 100.0) == "10.0 s ago"
    assert shown_times.ago(110.0, 100.0) == "in 10.0 s"
