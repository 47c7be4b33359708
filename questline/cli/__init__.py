"""The command line: submit, look, steer, and run the processes."""

from questline.cli.entry import main

__all__ = ["main"]
