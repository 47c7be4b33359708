"""Saves states in a folder from this process and from those that it forks, and prints the versions that each has made.

Run as `saving.py FOLDER COUNT FORKS`. Each process saves session "counted" COUNT times in any case, and session
"contested" to version COUNT, each time from the version that it knows. With COUNT 0 it saves until it is killed.
"""

import asyncio
import json
import os
import sys

from questline_persistence.errors import Conflict
from questline_persistence.memory.files import FileStateManager


def tell(made: object) -> None:
    sys.stdout.write(f"{json.dumps(made)}\n")
    sys.stdout.flush()


async def counted(states: FileStateManager, count: int) -> list[int]:
    return [await states.save_state("counted", {"n": n}) for n in range(count)]


async def contested(states: FileStateManager, count: int) -> list[int]:
    won, version = [], 0
    while version < count:
        try:
            version = await states.save_state("contested", {"by": os.getpid()}, expected_version=version)
            won.append(version)
        except Conflict as conflict:
            version = conflict.current.version
    return won


async def until_killed(states: FileStateManager) -> None:
    while True:
        version = await states.save_state("killed", {"text": "x" * 100_000})
        tell(version)


async def everything(states: FileStateManager, count: int) -> None:
    made = {"counted": await counted(states, count), "contested": await contested(states, count)}
    tell(made)


def main() -> None:
    folder, count, forks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    states = FileStateManager(folder)
    if not count:
        asyncio.run(until_killed(states))
    asyncio.run(states.load_state("counted"))  # so that its threads run when the process forks
    children = []
    for _ in range(forks):
        if not (child := os.fork()):
            asyncio.run(everything(states, count))
            os._exit(0)
        children.append(child)
    asyncio.run(everything(states, count))
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if __name__ == "__main__":
    main()
