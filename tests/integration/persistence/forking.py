"""A process that forks others while threads of its own submit: `forking.py DATABASE_URL BROKER_URL COUNT`.

All use the client and the repository that were made, and used, before the forks. It prints how many quests all of them
were told are there, and exits with 1 if one of them met an error.
"""

import multiprocessing
import os
import sys
import threading
import warnings

from questline import LordStep, Quest, QuestClient, QuestRepository

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of each fork beside threads
DATABASE_URL, BROKER_URL, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
client, repository = QuestClient(DATABASE_URL, BROKER_URL), QuestRepository(DATABASE_URL)


def submit(name: str) -> int:
    """Submit so many quests; return how many are there afterwards, as the client and the repository see it."""
    for number in range(COUNT):
        quest = Quest(quest_id=f"{name}-{number}", quest_type="t", execution_stack=[LordStep("a", "b")])
        assert client.submit(quest).created
        assert repository.load_quest(quest.quest_id) is not None
    return COUNT


def forked(name: str) -> int:
    """Submit in a process of its own, which is forked plainly; return its id."""
    process_id = os.fork()
    if process_id == 0:
        code = 1
        try:
            submit(name)
            code = 0
        finally:
            os._exit(code)
    return process_id


def main() -> None:
    """Submit from the parent's threads, from plain forks, and from a pool of processes."""
    told = submit("before")
    threads = [threading.Thread(target=submit, args=(f"thread-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    children = [forked(f"child-{n}") for n in range(3)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        told += sum(pool.map(submit, ["pool-0", "pool-1"], chunksize=1))
    for thread in threads:
        thread.join()
    told += submit("after") + COUNT * len(threads)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    told += COUNT * codes.count(0)
    client.close()
    sys.stdout.write(str(told))
    sys.exit(any(codes))


if __name__ == "__main__":
    main()
