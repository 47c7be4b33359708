"""The commands that take quests, or a whole store, from one place to another."""

from questline.cli.commands.moving import export

__all__ = ["export"]
