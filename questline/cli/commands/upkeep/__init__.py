"""The commands that ask an installation what it is and how it is; one file each, as those beside this folder."""

from questline.cli.commands.upkeep import health, version

__all__ = ["health", "version"]
