"""The commands that take quests, or a whole store, from one place to another, or away for good."""

from questline.cli.commands.moving import backup, erase, export

__all__ = ["backup", "erase", "export"]
