"""The commands on what Lords remember, one file for each noun.

What they share stands beside them: their options, how a list is told, and how an origin looks.
"""

from questline.cli.commands.memory import context, event, memory, state, todo

__all__ = ["context", "event", "memory", "state", "todo"]
