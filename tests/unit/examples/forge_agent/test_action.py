import pytest

from examples.forge_agent import forge_goal
from examples.forge_agent.action import MAX_ACTIONS, Action, actions_of


@pytest.mark.parametrize(
    ("goal", "action"),
    [
        ("Read the file README.md", Action(tool="read_file", path="README.md")),
        ("read THE file A b.txt", Action(tool="read_file", path="A b.txt")),
        ("List the folder docs", Action(tool="list_folder", path="docs")),
        ("Find the word Lord in *.md", Action(tool="find_word", path="*.md", word="Lord")),
    ],
)
def test_a_goal_names_a_tool_and_what_it_is_about(goal: str, action: Action) -> None:
    assert actions_of(goal) == [action]


def test_a_goal_of_several_actions_keeps_their_order() -> None:
    found = actions_of("List the folder docs, then read the file a.md, then find the word x in *.py")
    assert [str(action) for action in found] == [
        "list the folder docs",
        "read the file a.md",
        "find the word x in *.py",
    ]


@pytest.mark.parametrize("goal", ["", "Write the file a.md", "Read the file", "Read the file a.md, then sleep"])
def test_a_goal_that_nobody_can_reach_is_refused_before_there_is_a_quest(goal: str) -> None:
    with pytest.raises(ValueError, match="is nothing that I can do"):
        forge_goal({"goal": goal})


def test_a_goal_has_a_bound() -> None:
    with pytest.raises(ValueError, match="at most"):
        actions_of(", then ".join(["read the file a"] * (MAX_ACTIONS + 1)))
