from questline_persistence.models import LordStep
from questline_scheduler.step_defaults import StepDefaults, complete, declare


def test_what_a_step_does_not_say_its_lord_says() -> None:
    declare("a:work", StepDefaults(queue="gpu", timeout_seconds=5, max_attempts=9))
    (step,) = complete([LordStep("a", "work")])
    assert (step.queue, step.timeout_seconds, step.max_attempts) == ("gpu", 5, 9)


def test_what_a_step_says_stays_even_if_it_is_the_general_default() -> None:
    declare("a:work", StepDefaults(queue="gpu", timeout_seconds=5, max_attempts=9))
    (step,) = complete([LordStep("a", "work", queue="cpu", timeout_seconds=600, max_attempts=3)])
    assert (step.queue, step.timeout_seconds, step.max_attempts) == ("cpu", 600, 3)


def test_a_lord_that_says_nothing_changes_nothing() -> None:
    declare("a:work", StepDefaults())
    step = LordStep("a", "work")
    assert complete([step]) == [step]


def test_another_tool_of_a_lord_has_defaults_of_its_own() -> None:
    declare("a:work", StepDefaults(queue="gpu"))
    assert complete([LordStep("a", "rest")])[0].queue is None


def test_the_given_steps_stay_as_they_are() -> None:
    declare("a:work", StepDefaults(queue="gpu"))
    step = LordStep("a", "work", params={"x": 1})
    (completed,) = complete([step])
    assert step.queue is None
    assert completed.params == {"x": 1}
