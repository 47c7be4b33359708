"""stdin, stdout and stderr of a process that was started without them, as a daemon may be."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Open /dev/null where one of the three is closed.

    Else the next file or socket would get its number, and whatever writes to stderr would write into that.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)  # noqa: FBT003
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115  (open for as long as the process)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
