import pytest

from questline_persistence.errors import is_tellable, message_of, summary_of, traceback_of


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit("not even that")


class Evasive(Exception):
    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(f"{name} is nobody's business")


def _odd_syntax_error() -> SyntaxError:
    """An error as a parser of some other language makes it, with bytes for its text."""
    return SyntaxError("unexpected token", ("rules.cfg", 3, 1, b"a = = b"))  # type: ignore[arg-type]


def _caused() -> ValueError:
    error = ValueError("the rules are wrong")
    error.__cause__ = _odd_syntax_error()
    return error


def _grouped() -> BaseException:
    return ExceptionGroup("two of them", [_odd_syntax_error(), Mute()])


ERRORS = {
    "syntax": (_odd_syntax_error(), "SyntaxError: unexpected token"),
    "column": (SyntaxError("odd", ("f", 1, "x", "text")), "SyntaxError: odd"),  # type: ignore[arg-type]
    "mute": (Mute(), "Mute"),
    "evasive": (Evasive(), "Evasive"),
    "caused": (_caused(), "ValueError: the rules are wrong"),
    "grouped": (_grouped(), "two of them"),
    "surrogate": (ValueError("\ud800"), "ValueError"),
    "plain": (ValueError("dry"), "ValueError: dry"),
}


@pytest.mark.parametrize(("error", "told"), ERRORS.values(), ids=ERRORS)
def test_every_error_can_be_told(error: BaseException, told: str) -> None:
    try:
        raise error  # noqa: TRY301  it has a traceback then
    except BaseException as caught:  # noqa: BLE001  it may be any
        texts = [summary_of(caught), traceback_of(caught)]
        message = message_of(caught)
    assert all(told in text for text in texts)
    assert isinstance(message, str)


def test_where_an_error_that_cannot_be_told_was_raised_is_told_all_the_same() -> None:
    with pytest.raises(SyntaxError) as caught:
        raise _odd_syntax_error()
    assert not is_tellable(caught.value)
    assert "in test_where_an_error" in traceback_of(caught.value)
    assert traceback_of(caught.value, without=(__file__,)) == summary_of(caught.value)


def test_an_error_like_others_is_told_as_python_does() -> None:
    assert is_tellable(ValueError("dry"))
    assert traceback_of(ValueError("dry")) == summary_of(ValueError("dry")) == "ValueError: dry"
