import pytest

from questline_persistence.dialects import PoolLimits
from questline_persistence.errors import PayloadError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 0}, "the size of a pool must be 1 or more, not 0"),  # which SQLAlchemy would take for "no limit"
        ({"size": "5"}, "the size of a pool is a whole number, not str"),
        ({"overflow": -1}, "the overflow of a pool must be 0 or more, not -1"),  # as above
        ({"timeout": -0.1}, "the timeout of a pool must be 0 s or more, not -0.1"),
        ({"timeout": float("nan")}, "the timeout of a pool must be 0 s or more, not nan"),
    ],
)
def test_a_pool_that_would_know_no_limit_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(PayloadError) as refused:
        PoolLimits(**wrong)  # type: ignore[arg-type]
    assert refused.value.message == message
