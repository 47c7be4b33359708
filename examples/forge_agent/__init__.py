"""An agent that reaches read-only goals inside one folder: importing this package registers its Lords.

    questline dev examples.forge_agent
    questline submit -m examples.forge_agent --type forge_goal -i goal="Read the file README.md"

It needs neither a model nor a network: the planner is a handful of rules. Put a model in the place of `actions_of`, and
all else stays as it is.
"""

from examples.forge_agent.lords import carry_out, conclude, forge_goal, make_plan, report

__all__ = ["carry_out", "conclude", "forge_goal", "make_plan", "report"]
