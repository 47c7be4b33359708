"""Times and lengths of time, read."""

import pytest

from questline.cli import times
from questline.cli.failures import UsageMistake


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("30d", 2592000), ("1.5 w", 907200)]
)
def test_a_length_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert times.read_length(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "h", "-3h", "3y", "1h30m", "9" * 12 + "d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake):
        times.read_length(text)


def test_a_moment_is_a_time_or_an_age() -> None:
    assert times.read_moment("2h", 10_000.0) == 2_800.0
    assert times.read_moment("1970-01-01T01:00:00+01:00", 0.0) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "99999999999",
        "99999999",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01",
        "1969-12-31T00:00Z",
        "999999999w",
        "x" * 9_999,
    ],
)
def test_a_time_out_of_range_is_a_usage_mistake(text: str) -> None:
    with pytest.raises(UsageMistake, match=r"is no(t a)? time") as refused:
        times.read_moment(text, 1.8e9)
    assert "ISO 8601" in (refused.value.hint or "")
    assert len(refused.value.message) < 200
