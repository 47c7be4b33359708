"""Troubles that others' users reported, each under the name of its report; most others stand with what they concern."""

import ast
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

import questline
from questline_persistence.ids import new_claim_id
from questline_persistence.models import LordStep
from questline_persistence.recovery import Sweep, WorkerCard
from questline_persistence.schema import tickets
from questline_worker.lords import LordContext, lord
from tests.contract.quests import LEASE, LONG, Workbench, failure
from tests.integration.worker.pools import LONG as PATIENCE
from tests.integration.worker.pools import Pool, completed, errors, quest, steps, successes
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

ROOT = Path(questline.__file__).resolve().parents[1]
FLOORS = ("persistence", "scheduler", "worker", "gateway", "questline")


def test_duratiq_3_a_step_that_fails_shifts_nobody_elses_result(bench: Workbench) -> None:
    quest_id = bench.submit("a", "d")
    bench.finish(bench.claim(quest_id), "planned", "b", "b", "b")
    bench.advance(quest_id, "first")
    bench.journal.fail(failure(bench.claim(quest_id)))
    bench.advance(quest_id, "second", "third")

    won = {run.position: run.output_data for run in bench.repository.runs(quest_id) if run.status == "success"}
    assert won == {"0001": "planned", "0001.0001": "first", "0001.0002": "second", "0001.0003": "third"}
    bench.advance(quest_id, "last")
    found = bench.repository.load_quest(quest_id)
    assert [found.run_data[name] for name in ("b", "b#2", "b#3", "d")] == ["third", "second", "third", "last"]


#: What may be wrong with a claim, so that it would run for ever.
STUCK = {
    "its worker's lease is over": "UPDATE workers SET lease_until = 0",
    "its worker was declared lost": "UPDATE workers SET state = 'lost'",
    "its worker signed off": "UPDATE workers SET state = 'stopped'",
    "its worker was forgotten": "DELETE FROM workers",
    "nobody knows whose it is": "UPDATE tickets SET worker_id = NULL",
    "its worker lives and its time is over": "UPDATE tickets SET deadline = 0",
}


@pytest.mark.parametrize("what", STUCK)
def test_river_1258_no_step_runs_for_ever_whatever_is_wrong_with_its_claim(bench: Workbench, what: str) -> None:
    quest_id = bench.submit("a")
    bench.claim(quest_id, bench.worker(lease=LONG))
    bench.execute(STUCK[what])

    assert bench.sweep.run().freed == 1
    assert bench.ticket(quest_id).state == "ready"
    assert not bench.rows(tickets, quest_id)[0].claim_id


class _Conflict(Exception):
    """What a database raises when two transactions cannot both go on: with PostgreSQL's code, in SQLite's words."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("could not serialize access: database is locked")
        self.sqlstate = sqlstate


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_dbos_714_a_conflict_is_not_taken_for_somebody_elses_claim(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, sqlstate: str
) -> None:
    quest_id, journal = bench.submit("a"), bench.worker()
    met: list[str] = []

    def conflicting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(met) < 4:
                met.append(sqlstate)
                raise OperationalError("UPDATE tickets", {}, _Conflict(sqlstate))
            return real(*arguments, **options)

        return call

    request = bench.request(quest_id)
    monkeypatch.setattr(bench.database, "_transaction", conflicting(bench.database._transaction))
    monkeypatch.setattr(bench.database, "_run", conflicting(bench.database._run))
    claim = journal.claim(request)

    assert len(met) == 4
    assert claim is not None
    assert claim.claim_id == request.claim_id
    assert bench.finish(claim, "mine").won


def test_dbos_version_hash_new_code_goes_on_with_what_old_code_began(bench: Workbench) -> None:
    old = bench.worker(process_id="before", code_version="sha-1")
    interrupted, waiting = bench.submit("a", "b"), bench.submit("a", "b")
    assert bench.finish(bench.claim(waiting, old), 1).won
    bench.claim(interrupted, old)
    bench.register.declare_dead("before")
    new = bench.worker(process_id="after", code_version="sha-2")

    assert bench.sweep.run().freed == 1
    for quest_id in (interrupted, waiting):
        while bench.has_ticket(quest_id):
            assert bench.finish(bench.claim(quest_id, new), 2).won
        assert bench.status(quest_id) == "completed"


def test_dbos_491_a_worker_that_starts_leaves_alone_what_others_run(pool: Pool) -> None:
    """Also one that says to be the same process, on the same host, as after a restart in a container."""
    gate, ran = pool.gate(), []
    begun = threading.Event()

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        ran.append(context.position)
        begun.set()
        gate.wait()
        return "once"

    first = pool.start()
    client = pool.client()
    handle = client.submit(quest("slow"))
    assert begun.wait(PATIENCE)
    second = pool.start()
    assert second.process.lease.wait_until_registered()
    assert second.worker_id != first.worker_id
    second.process.register.enter(WorkerCard(new_claim_id(), first.process.process_id, "host", 1, 1), LEASE)
    for _ in range(3):
        assert Sweep(second.process.database, second.process.settings.namespace).run().freed == 0
    gate.set()
    assert completed(handle).output_data == "once"
    assert ran == ["0001"]


def test_hatchet_1022_oban_1141_an_attempt_that_timed_out_doubles_none_of_the_steps_after_it(pool: Pool) -> None:
    gates, begun, ran = [pool.gate(), pool.gate()], [], []

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        turn = len(begun)
        begun.append(context.attempt)
        gates[min(turn, 1)].wait()
        return f"attempt {context.attempt}"

    @lord("after", "work")
    def after(_: LordContext, slow: str) -> str:
        ran.append(slow)
        return slow

    pool.start(threads=3)
    client = pool.client()
    handle = client.submit(quest(*steps("slow", timeout_seconds=0.5, max_attempts=9), *steps("after")))
    eventually(lambda: len(begun) > 1, timeout=PATIENCE)
    gates[0].set()  # the first attempt ends at last, while the second runs or has timed out itself
    gates[1].set()
    pool.start(threads=1)
    done = completed(handle)
    assert ran == [done.output_data]
    assert successes(client, done.quest_id) == [(0, "0001"), (0, "0002")]
    assert done.output_data != "attempt 1"


@pytest.mark.parametrize("harm", ["restart", "flush"])
def test_dramatiq_431_dramatiq_527_a_delayed_attempt_outlives_the_brokers_memory_and_comes_once(
    fragile_broker_pool: Pool, valkey_server: ValkeyServer, harm: str
) -> None:
    ran: list[int] = []

    @lord("flaky", "work")
    def flaky(context: LordContext) -> str:
        ran.append(context.attempt)
        if context.attempt < 2:
            raise ValueError("not yet")
        return "at last"

    fragile_broker_pool.start()
    client = fragile_broker_pool.client()
    handle = client.submit(quest(LordStep("flaky", "work", backoff_seconds=1.0)))
    eventually(lambda: len(errors(client, handle.quest_id)) == 1, timeout=PATIENCE)
    getattr(valkey_server, harm)()
    assert completed(handle).output_data == "at last"
    assert ran == [1, 2]


#: Modules and functions that make code of data.
MAKERS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "eval", "exec", "compile", "__import__"}
#: Who imports a module by its name, and where that name comes from: never from the store.
IMPORTERS = {
    "questline/__init__.py": "the public names",
    "questline/demo/run.py": "the demonstration's own modules",
    "worker/questline_worker/lords/lords.py": "the operator's setting",
    "persistence/questline_persistence/moved.py": "names of our own modules, from before there were rooms",
    "persistence/questline_persistence/dialects/sqlite/library.py": "which of two SQLite libraries, by fixed names",
    "persistence/questline_persistence/dialects/sqlite/guard.py": "the other of these two",
}


def _names(path: Path) -> set[str]:
    """Return every name that a module imports or uses."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                names |= {alias.name.split(".")[0] for alias in node.names}
            case ast.ImportFrom():
                names |= {str(node.module).split(".")[0], *(alias.name for alias in node.names)}
            case ast.Call(func=ast.Name(id=name)) | ast.Attribute(attr="import_module" as name):
                names.add(name)
    return names


def test_langgraph_cve_2025_64439_cve_2026_28277_nothing_makes_code_of_what_is_stored() -> None:
    modules = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): _names(path) for path in modules}

    assert len(found) > 80
    assert {name: used & MAKERS for name, used in found.items() if used & MAKERS} == {}
    assert {name for name, used in found.items() if "import_module" in used} == set(IMPORTERS)


#: What would run code if it were revived, rebuilt or loaded unsafely.
HOSTILE = {
    "lc": 1,
    "type": "constructor",
    "id": ["os", "system"],
    "kwargs": {"command": "touch pwned"},
    "__reduce__": ["os.system", ["touch pwned"]],
    "py/object": "subprocess.Popen",
    "pickle": "cos\nsystem\n(S'touch pwned'\ntR.",
}


def test_langgraph_cve_2025_64439_stored_state_comes_back_as_data(bench: Workbench) -> None:
    quest_id = bench.submit(LordStep("a", "work", params=HOSTILE), "b", input_data=HOSTILE)
    claim = bench.claim(quest_id)
    assert (claim.params, claim.input_data) == (HOSTILE, HOSTILE)
    bench.finish(claim, HOSTILE)

    assert bench.repository.load_quest(quest_id).run_data["a"] == HOSTILE
    assert bench.snapshots(quest_id)[-1].run_data["a"] == HOSTILE


def test_langgraph_cve_2025_64439_a_stored_lord_is_looked_up_and_never_imported(sqlite_pool: Pool) -> None:
    @lord("known", "work")
    def known(_: LordContext) -> str:
        return "ran"

    sqlite_pool.start()
    client = sqlite_pool.client()
    hostile = client.submit(quest(LordStep("this", "antigravity"), LordStep("os", "abort")))
    completed(client.submit(quest("known")))
    refusals = select(tickets.c.refusals).where(tickets.c.quest_id == hostile.quest_id)
    eventually(
        lambda: client.database.read(lambda connection: connection.execute(refusals).scalar()),
        timeout=PATIENCE,
        message="no worker looked at it",
    )
    assert "this" not in sys.modules
    assert client.get(hostile.quest_id).status == "new"
