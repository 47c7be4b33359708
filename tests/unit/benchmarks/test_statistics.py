import pytest

from benchmarks.harness.statistics import percentile, ratios, sample


def test_a_sample_is_quoted_by_its_median_and_its_spread() -> None:
    found = sample([100, 130, 110])

    assert found.median == 110
    assert found.spread == pytest.approx(30 / 110)


def test_ratios_are_taken_run_by_run() -> None:
    assert ratios(sample([10, 40]), sample([5, 10])).values == (2.0, 4.0)


def test_ratios_of_different_numbers_of_runs_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios(sample([1, 2]), sample([1]))


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value
