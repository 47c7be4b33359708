"""A store that was opened before a fork serves both processes, or says why it cannot."""

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from questline import QuestClient
from questline_persistence.dialects import forks
from tests.integration.persistence.visitor import visitor

SCRIPT = Path(__file__).with_name("forking.py")
COUNT = 10
#: The parent's turns before and after, its threads, its plain forks, and its pool.
SUBMITTERS = 2 + 2 + 3 + 2


def test_what_is_acknowledged_before_and_after_a_fork_is_there(database_url: str, redis_url: str) -> None:
    command = [sys.executable, SCRIPT, database_url, redis_url, str(COUNT)]
    with (
        visitor(database_url) as visit,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        while not _ends_soon(process):
            visit()
        told, errors = process.communicate()

    assert (process.returncode, errors, told) == (0, "", str(SUBMITTERS * COUNT))
    with QuestClient(database_url, "memory://") as client:
        assert client.stats()["total_quests"] == SUBMITTERS * COUNT


def _ends_soon(process: "subprocess.Popen[str]") -> bool:
    """Tell whether a process ends within some milliseconds, which leaves the processor to it."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.02)
    return process.returncode is not None


def test_an_in_memory_store_is_refused_in_a_forked_process() -> None:
    code = """
import os
from questline import ConfigurationError, QuestClient
client = QuestClient(":memory:", "memory://")
if (child := os.fork()) == 0:
    try:
        client.stats()
    except ConfigurationError as error:
        os._exit(0 if "sqlite:///" in error.hint else 6)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
client.stats()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_an_executor_is_refused_in_a_forked_process_and_goes_on_in_its_own() -> None:
    code = """
import asyncio, os
from questline import LordStep, Quest, QuestConflict, QuestExecutor, lord

@lord("a", "b")
def work(ctx):
    return 1

def run():
    quest = Quest(quest_type="t", execution_stack=[LordStep("a", "b")])
    return asyncio.run(executor.execute_quest(quest)).status

with QuestExecutor() as executor:
    assert run() == "completed"
    if (child := os.fork()) == 0:
        try:
            run()
        except QuestConflict as error:
            executor.close()
            os._exit(0 if "fork" in error.message else 6)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert run() == "completed"
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_a_process_forked_in_the_middle_of_a_transaction_is_refused_the_store(sqlite_url: str) -> None:
    code = """
import os, sys
from questline import ConfigurationError, QuestClient
from questline_persistence.store.database import Database
database = Database(sys.argv[1])

def fork(connection):
    if (child := os.fork()) == 0:
        for another in (database, Database(sys.argv[1])):
            try:
                another.read(lambda c: c.exec_driver_sql("SELECT 1").scalar())
            except ConfigurationError as error:
                assert "forked" in error.message
            else:
                os._exit(7)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

assert database.write(fork) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, sqlite_url], check=True)


def test_a_process_forked_beside_a_user_s_connection_is_refused_the_store_until_that_is_closed(
    sqlite_url: str,
) -> None:
    code = """
import os, sqlite3, sys
from questline import ConfigurationError, QuestClient
path = sys.argv[1].removeprefix("sqlite:///")
own = sqlite3.connect(path)
own.execute("SELECT count(*) FROM tickets").fetchone()
client = QuestClient(sys.argv[1], "memory://") if "before" in sys.argv else None
if (child := os.fork()) == 0:
    try:
        (client or QuestClient(sys.argv[1], "memory://")).stats()
    except ConfigurationError as error:
        own.close()
        clients = [QuestClient(sys.argv[1], "memory://") for _ in range(2)]
        os._exit(0 if "forked" in error.message else 6)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    for made in ("before", "after"):
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, sqlite_url, made], check=True)


def test_an_async_client_that_is_being_opened_at_a_fork_can_be_opened_in_the_child(sqlite_url: str) -> None:
    code = """
import asyncio, os, sys, threading
from questline import AsyncQuestClient, QuestClient
opening, go = threading.Event(), threading.Event()

def opened():
    opening.set()
    go.wait()
    return QuestClient(sys.argv[1], "memory://")

client = AsyncQuestClient(sys.argv[1], "memory://")
client._open = opened
parents = threading.Thread(target=lambda: asyncio.run(client.stats()))
parents.start()
opening.wait()
if (child := os.fork()) == 0:
    go.set()
    asyncio.run(asyncio.wait_for(client.stats(), 20))
    os._exit(0)
go.set()
parents.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, sqlite_url], check=True, timeout=60)


def test_a_fork_waits_until_another_thread_has_imported_the_driver() -> None:
    code = """
import os, signal, sys, threading
from questline_persistence.store import Database

URL = "postgresql://somebody@127.0.0.1/somewhere"
begun, forking = threading.Event(), threading.Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "psycopg.connection":
            begun.set()
            forking.wait(1)  # for as long as it takes to fork, if the fork does not wait

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=Database, args=(URL,))
thread.start()
assert begun.wait(30)
os.register_at_fork(after_in_parent=forking.set)
if (child := os.fork()) == 0:
    signal.alarm(20)
    Database(URL)
    os._exit(0)
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=100)


def test_threads_of_a_forked_child_that_call_at_once_get_an_answer_each() -> None:
    code = """
import os, sys, threading
from questline_persistence.store import Threads
sys.setswitchinterval(1e-6)  # so that one thread comes in the middle of another's call
threads = Threads("test", 10)
threads.submit(int).result()
for _ in range(40):
    if (child := os.fork()) == 0:
        together, answers = threading.Barrier(8), []

        def call():
            together.wait()
            answers.append(threads.submit(int).result(20))

        callers = [threading.Thread(target=call) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        os._exit(8 - len(answers))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=100)


def test_a_fork_waits_for_a_transaction_of_another_thread_and_holds_up_the_next() -> None:
    gate, entered, go = forks.Gate(), threading.Event(), threading.Event()
    inside: list[bool] = []

    def transact() -> None:
        with gate:
            entered.set()
            go.wait()
            with gate:  # a transaction within another is let in
                inside.append(True)

    def come_later() -> None:
        with gate:
            inside.append(False)

    first, later = threading.Thread(target=transact), threading.Thread(target=come_later)
    first.start()
    entered.wait()
    threading.Timer(0.1, go.set).start()
    assert gate.shut()
    assert inside == [True]
    later.start()
    assert inside == [True]
    gate.open()
    first.join()
    later.join()
    assert inside == [True, False]
