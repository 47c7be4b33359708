"""The commands that look into steps; one file each, as those beside this folder."""

from questline.cli.commands.steps import diff, logs, probe

__all__ = ["diff", "logs", "probe"]
