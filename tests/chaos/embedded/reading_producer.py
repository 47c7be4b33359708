"""A producer that reads the store with Python's own sqlite3 between its submissions, as a notebook would."""

import signal
import sqlite3  # before anything of ours: it is the library of this process then
from contextlib import closing

from questline_scheduler.client import QuestClient
from tests.chaos.embedded.work import submit, told

_COUNT = "SELECT status, count(*) FROM quest_executions GROUP BY status"


def main() -> None:
    """Submit and read in turn; then wait to be ended."""
    work = told()
    client = QuestClient()
    for plan in work.left():
        submit(client, plan, work.acknowledged)
        with closing(sqlite3.connect(str(client.database.url.database), timeout=10.0)) as connection:
            assert connection.execute(_COUNT).fetchall()
    signal.pause()


if __name__ == "__main__":
    main()
