"""The commands about what steps spend; one file each, as those beside this folder."""

from questline.cli.commands.spending import budget, costs

__all__ = ["budget", "costs"]
