"""How answers look on a terminal and in a pipe: stdout and stderr, tables, coloured words.

It imports nothing else of the command line.
"""

from questline.cli.display import formatting, output
from questline.cli.display.output import Output, StdoutClosed, printable, visible

__all__ = ["Output", "StdoutClosed", "formatting", "output", "printable", "visible"]
