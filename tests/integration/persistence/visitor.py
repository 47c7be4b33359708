"""A process that opens a store and closes it again, as each command does: `visitor.py URL`.

Whoever takes itself for the last one takes an SQLite log away.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from questline import QuestRepository


@contextmanager
def visitor(url: str) -> Iterator[Callable[[], None]]:
    """Start the process; yield a function that has it come and go once."""
    command = [sys.executable, __file__, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked, told = process.stdin, process.stdout
        assert asked is not None
        assert told is not None

        def visit() -> None:
            asked.write(b".")
            asked.flush()
            assert told.read(1) == b".", "the visitor failed"

        yield visit
        asked.close()
        assert process.wait() == 0


def main() -> None:
    """Come and go for each character on stdin."""
    while sys.stdin.read(1):
        with QuestRepository(sys.argv[1]) as repository:
            repository.list_quests(limit=1)
        sys.stdout.write(".")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
