"""The commands on who may do what, and who did it."""

from questline.cli.commands.security import audit, keys

__all__ = ["audit", "keys"]
