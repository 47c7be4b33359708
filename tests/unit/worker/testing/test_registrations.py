from types import ModuleType

import pytest

from questline_persistence.models import LordStep
from questline_scheduler.quest_types import known_types, quest_type
from questline_scheduler.step_defaults import complete
from questline_worker.lords import LordContext, find_handler, known_handlers, lord
from questline_worker.testing import own_registrations

MODULE = """
from questline import lord, quest_type

@lord("lasting", "work", max_attempts=7)
def work(ctx):
    pass

@quest_type("lasting")
def make(input_data):
    return [work]
"""


def register(tool: str) -> None:
    @lord("passing", tool, max_attempts=9)
    def work(_: LordContext) -> None: ...

    @quest_type(f"passing.{tool}")
    def make(_: dict[str, object]) -> list[str]:
        return [f"passing:{tool}"]


def test_what_a_test_registers_is_gone_behind_it() -> None:
    register("before")
    before = find_handler("passing:before")

    with own_registrations():
        register("within")
        assert known_handlers() == ["passing:before", "passing:within"]

    assert (known_handlers(), known_types()) == (["passing:before"], ["passing.before"])
    assert find_handler("passing:before") is before
    assert complete([LordStep("passing:within")])[0].max_attempts == 3


def test_what_a_module_registers_as_it_is_imported_stays() -> None:
    with own_registrations():
        exec(MODULE, ModuleType("shop").__dict__)  # noqa: S102  (as an import does)

    assert (known_handlers(), known_types()) == (["lasting:work"], ["lasting"])
    assert complete([LordStep("lasting:work")])[0].max_attempts == 7


def test_a_test_that_fails_leaves_nothing_either() -> None:
    def fail() -> None:
        with own_registrations():
            register("within")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert known_handlers() == []
