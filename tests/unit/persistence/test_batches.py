"""Tickets are changed batch by batch until few are left, whatever others take of a batch meanwhile."""

from questline_persistence.recovery import MAX_REDISPATCH, _until_few


def test_a_batch_of_which_some_were_claimed_meanwhile_is_not_the_last() -> None:
    batches = [MAX_REDISPATCH, MAX_REDISPATCH - 1, MAX_REDISPATCH, 3]

    assert _until_few(lambda: batches.pop(0)) == 3 * MAX_REDISPATCH + 2
    assert batches == []


def test_a_batch_that_holds_few_is_the_last() -> None:
    batches = [0, 1]

    assert _until_few(lambda: batches.pop(0)) == 0
    assert batches == [1]
