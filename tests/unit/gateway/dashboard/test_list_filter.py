"""The filter of the list: the same in the address, as chips, and as a command."""

import pytest

from questline_gateway.dashboard.list_filter import ListFilter, typed_words
from questline_persistence.errors import PayloadError


def test_what_is_typed_becomes_parts_of_a_filter() -> None:
    assert typed_words("type:report label:team=a label:x=1 no answer") == {
        "type": ["report"],
        "label": ["team=a", "x=1"],
        "error": ["no answer"],
    }


def test_words_that_only_look_like_parts_are_searched_for() -> None:
    assert typed_words("ValueError: 429") == {"error": ["ValueError: 429"]}


def test_the_command_lists_the_same_quests() -> None:
    chosen = ListFilter.of({"status": ["failed", "paused"], "label": ["team=a b"], "since": ["any"]})
    assert chosen.command() == "questline list --status failed --status paused --label 'team=a b'"


def test_without_a_time_the_list_and_the_command_look_back_a_day() -> None:
    chosen = ListFilter.of({})
    assert chosen.quests(now=100_000.0).since == 100_000.0 - 86_400
    assert chosen.command() == "questline list --since 24h"


def test_any_time_means_from_the_beginning() -> None:
    assert ListFilter.of({"since": ["any"]}).quests(now=100_000.0).since is None


@pytest.mark.parametrize("values", [{"status": ["nope"]}, {"label": ["nope"]}, {"since": ["soon"]}])
def test_what_is_no_filter_is_refused(values: dict[str, list[str]]) -> None:
    with pytest.raises(PayloadError):
        ListFilter.of(values).quests(now=100_000.0)
