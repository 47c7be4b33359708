import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.models import LordStep
from questline_scheduler.step_defaults import complete
from questline_worker.lords import Retry, Snooze, find_handler, import_lords, known_handlers, lord
from questline_worker.lords.lords import ImportFailed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory to import from; nothing of it stays imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_declared_function_is_found_by_its_lord_and_tool_and_stays_as_it_is() -> None:
    def work(_: object) -> str:
        return "done"

    assert lord("a", "work")(work) is work
    handler = find_handler("a:work")
    assert handler is not None
    assert handler.function is work
    assert known_handlers() == ["a:work"]
    assert find_handler("a:rest") is None


def test_two_functions_of_one_name_are_refused_and_both_are_told() -> None:
    @lord("a", "work")
    def first(_: object) -> None: ...

    with pytest.raises(ConfigurationError, match=r"a:work is registered twice: .*first and .*second") as caught:

        @lord("a", "work")
        def second(_: object) -> None: ...

    assert caught.value.hint == "give one of them another tool name, or remove it"


def test_one_function_may_serve_several_tools() -> None:
    def work(_: object) -> None: ...

    lord("a", "x")(work)
    lord("a", "y")(work)
    assert known_handlers() == ["a:x", "a:y"]


def test_a_step_can_be_named_by_the_function_that_is_registered_for_it() -> None:
    @lord("a", "work")
    def work(_: object) -> None: ...

    assert LordStep(work) == LordStep("a", "work")


def test_a_function_that_wraps_a_lord_and_is_registered_itself_names_its_own_step() -> None:
    @lord("a", "work")
    def work(_: object) -> None: ...

    @lord("b", "work")
    @functools.wraps(work)
    def traced(ctx: object) -> None:
        work(ctx)

    assert (LordStep(work).handler, LordStep(traced).handler) == ("a:work", "b:work")


def test_a_module_imported_twice_registers_its_functions_anew(project: Path) -> None:
    (project / "twice.py").write_text("from questline import lord\n@lord('a', 'work')\ndef work(ctx): return 1\n")
    import_lords(["twice"])
    before = find_handler("a:work")
    del sys.modules["twice"]
    import_lords(["twice"])
    assert find_handler("a:work") is not before


@pytest.mark.parametrize("name", ["", "with space", "a:b", "ä", "-a", "x" * 101])
def test_a_name_that_no_step_could_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="lord_name"):
        lord(name, "work")
    with pytest.raises(ConfigurationError, match="tool_name"):
        lord("a", name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": 0}, "timeout must be more than 0, not 0"),
        ({"timeout": -1}, "timeout must be more than 0, not -1"),
        ({"timeout": "soon"}, "timeout is a number, not 'soon'"),
        ({"max_attempts": 0}, "max_attempts must be 1 or more, not 0"),
        ({"max_attempts": 2.5}, "max_attempts is a whole number, not 2.5"),
        ({"queue": "no queue"}, "queue: 'no queue' cannot be a name"),
        ({"timeout": "3"}, "timeout is a number, not '3'"),
        ({"max_attempts": True}, "max_attempts is a whole number, not bool"),
    ],
)
def test_a_wrong_option_is_refused_when_it_is_declared(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        lord("a", "work", **options)

    assert caught.value.message == f"@lord('a', 'work'): {said}"


@pytest.mark.parametrize(
    ("handler", "hint"),
    [
        (lambda _ctx, *_args: None, "name each value that the handler needs"),
        (lambda _ctx, **_more: None, "name each value that the handler needs"),
        (lambda _ctx, _a, /: None, "remove the / behind _a"),
    ],
)
def test_a_parameter_that_cannot_be_filled_by_name_is_told_with_the_fix(handler: Any, hint: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be filled by name") as caught:
        lord("a", "work")(handler)

    assert str(caught.value.hint).startswith(hint)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="retries"):
        lord("a", "work", retries=3)  # type: ignore[call-arg]  # the point


def test_a_wrong_call_of_the_decorator_is_told_how_to_be_written() -> None:
    mistaken: Any = lord
    for call, message, hint in (
        (lambda: mistaken(lambda _: None), "given no name, but the function itself", 'write @lord("LORD", "TOOL")'),
        (lambda: mistaken("a"), "missing a required argument: 'tool_name'", 'write @lord("LORD", "TOOL")'),
        (lambda: mistaken("a", "work", max_retries=3), "max_retries", "did you mean 'max_attempts'?"),
        (lambda: mistaken("a", "work")("text"), "str is no handler of a:work", "write @lord(…) above"),
    ):
        with pytest.raises(ConfigurationError, match=message) as refused:
            call()
        assert hint in str(refused.value.hint)
    assert known_handlers() == []


def test_a_generator_is_refused_since_its_output_cannot_be_kept() -> None:
    def plain(_: object) -> Any:
        yield 1

    async def later(_: object) -> Any:
        yield 1

    for function in (plain, later):
        with pytest.raises(ConfigurationError, match="the handler of a:work yields") as refused:
            lord("a", "work")(function)
        assert refused.value.hint == "return a list instead"
    assert known_handlers() == []


def test_a_refused_declaration_leaves_nothing_behind() -> None:
    with pytest.raises(ConfigurationError):

        @lord("a", "work", queue="gpu")
        def work(_: object, *args: int) -> None: ...

    assert known_handlers() == []
    assert complete([LordStep("a", "work")])[0].queue is None


def test_the_options_of_a_lord_become_the_defaults_of_its_steps() -> None:
    @lord("a", "work", queue="gpu", timeout=5, max_attempts=7)
    def work(_: object) -> None: ...

    (step,) = complete([LordStep("a", "work")])
    assert (step.queue, step.timeout_seconds, step.max_attempts) == ("gpu", 5, 7)


def test_modules_are_imported_from_the_working_directory(project: Path) -> None:
    (project / "my_lords.py").write_text("from questline import lord\n@lord('a', 'work')\ndef work(ctx): return 1\n")
    import_lords(["my_lords"])
    assert known_handlers() == ["a:work"]
    assert sys.path.count(str(project)) == 1
    import_lords([])
    assert sys.path.count(str(project)) == 1


def test_a_missing_module_is_named(project: Path) -> None:
    with pytest.raises(ImportFailed, match="cannot import nowhere: ModuleNotFoundError") as failed:
        import_lords(["nowhere"])
    assert failed.value.code == "import"
    assert project.exists()


def test_a_file_given_for_a_module_is_told_as_the_module_it_is(project: Path) -> None:
    (project / "my_lords.py").touch()
    with pytest.raises(ImportFailed) as failed:
        import_lords(["./my_lords.py"])
    assert failed.value.hint == "give a module name, not a file: my_lords"


def test_an_error_while_importing_is_told_and_kept_as_the_cause(project: Path) -> None:
    (project / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ImportFailed, match="cannot import broken: ZeroDivisionError: division by zero") as failed:
        import_lords(["broken"])
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


def test_a_syntax_error_is_told(project: Path) -> None:
    (project / "broken.py").write_text("def\n")
    with pytest.raises(ImportFailed, match="cannot import broken: SyntaxError"):
        import_lords(["broken"])


def test_a_wrong_declaration_in_a_module_is_told_as_such(project: Path) -> None:
    (project / "wrong.py").write_text("from questline import lord\n@lord('a b', 'work')\ndef work(ctx): return 1\n")
    with pytest.raises(ConfigurationError, match=r"@lord\('a b', 'work'\): lord_name"):
        import_lords(["wrong"])


@pytest.mark.parametrize(("asked", "near"), [("shop.lord", "shop.lords"), ("shopp", "shop")])
def test_a_module_that_is_not_there_is_told_the_nearest_that_is(project: Path, asked: str, near: str) -> None:
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").touch()
    (project / "shop" / "lords.py").touch()

    with pytest.raises(ConfigurationError, match=f"cannot import {asked}") as failed:
        import_lords([asked])
    assert str(failed.value.hint).endswith(f"; did you mean {near!r}?")


def test_a_time_to_wait_is_a_length_of_time() -> None:
    soon: Any = "soon"
    for make in (lambda: Snooze(soon), lambda: Retry(after=soon)):
        with pytest.raises(ValueError, match="after is seconds or a timedelta, not 'soon'"):
            make()
