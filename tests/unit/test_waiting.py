import pytest

from tests.waiting import eventually


def test_returns_the_first_truthy_value() -> None:
    values = iter([0, None, "ready"])

    assert eventually(lambda: next(values), interval=0.0) == "ready"


def test_fails_with_the_message_and_the_last_value() -> None:
    with pytest.raises(AssertionError, match=r"no quest came \(waited 0.01 s, last: \[\]\)"):
        eventually(list, timeout=0.01, message="no quest came")


def test_an_ignored_error_counts_as_not_yet() -> None:
    answers = iter([False, True])

    def flaky() -> bool:
        if next(answers):
            return True
        raise ConnectionError

    assert eventually(flaky, interval=0.0, ignoring=(ConnectionError,))


def test_any_other_error_passes_through_at_once() -> None:
    def broken() -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        eventually(broken, ignoring=(ConnectionError,))
