"""The commands that take quests, or a whole store, from one place to another."""

from questline.cli.commands.moving import backup, export

__all__ = ["backup", "export"]
