"""Producers as a pre-forking server has them: the client is made and used before the fork, and by all of them after."""

import os
import signal

from questline_scheduler.client import QuestClient
from tests.chaos.embedded.work import submit, told

#: How many children there are beside their parent.
CHILDREN = 3


def main() -> None:
    """Submit from the parent and from its children, each every fourth quest; then wait to be ended."""
    work = told()
    client = QuestClient()
    client.stats()
    place, children = 0, []
    for number in range(1, CHILDREN + 1):
        if not (child := os.fork()):
            place = number
            break
        children.append(child)
    for plan in work.left():
        if plan.number % (CHILDREN + 1) == place:
            submit(client, plan, work.acknowledged)
    if place:
        os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    signal.pause()


if __name__ == "__main__":
    main()
