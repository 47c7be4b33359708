"""The registry of failpoints against the code: a new write or a new call without its point makes a test red."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import pytest

from questline_persistence import failpoints
from questline_persistence.failpoints import PLACES, STAGES, TRANSACTIONS, all_points, failpoint

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "questline",
    "gateway/questline_gateway",
    "worker/questline_worker",
    "scheduler/questline_scheduler",
    "persistence/questline_persistence",
)
FILES = {str(path.relative_to(ROOT)): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}

DATABASE = "persistence/questline_persistence/store/database.py"
#: Gives a new store in memory, which nobody else has yet, the pages of one that is prepared.
PREPARED = "persistence/questline_persistence/schema/prepared.py"
#: Make the engines, each of one store's kind.
MAKERS = {
    "persistence/questline_persistence/dialects/postgres/sessions.py",
    "persistence/questline_persistence/dialects/sqlite/access.py",
}
#: Copies a store in memory that this process has made into another one, before anybody uses that.
PREPARED = "persistence/questline_persistence/schema/prepared.py"
REDIS_QUEUE = "scheduler/questline_scheduler/doorbells/redis_queue.py"

#: Statements that may lack a point, by file and function, and why.
UNNAMED = {(DATABASE, "_read_clock"): "it asks what time it is, changes nothing, and safety never reads a clock"}

#: By what is called on a step's way and in the loops: where the points are that stand around it.
HOT_CALLS = {
    "self._journal.claim": "claim",
    "self._journal.checkpoint": "checkpoint",
    "self._journal.post": "checkpoint",
    "self._journal.fail": "fail",
    "self._journal.put_off": "put_off",
    "self._journal.release": "release",
    "self._journal.release_stray": "release",
    "self._register.enter": "enter",
    "self._register.renew": "renew",
    "self._register.note_progress": "renew",
    "self._register.leave": "leave",
    "self._register.declare_dead": "leave",
    "self._register.forget": "forget",
    "self._bells.refuse": "refuse",
    "self._bells.ring_refused": "ring_at",
    "self._bells.ring_all": "ring_at",
    "self._bells.ring_soon": "ring_at",
    "self._bells.due": "due",
    "self._bells.wake": "wake",
    "self._sweep.declare_lost": "sweep_lost",
    "self._sweep.free_dead": "sweep_free",
    "self._counters.add": "count",
    "self._ringer.ring": "broker.ring",
    "self._broker.ring": "broker.ring",
    "self.broker.ring": "broker.ring",
    "self._queue.ring": "broker.ring",
    "self._broker.requeue_dead": "broker.reclaim",
    "self._queue.fetch": "broker.fetch",
    "self._queue.reclaim": "broker.reclaim",
    "handler.function": "worker.body",
}
#: Calls to the same parties that need no point, and why.
COLD_CALLS = {
    "self._register.held": "reads which claims the store knows; the answer is asked for again at the next heartbeat",
    "self._register.holds": "reads whether one claim holds; the commit is fenced whatever the answer",
    "self._sweep.lease_over": "reads whether a lease is over; the write asks again",
    "self._register.number_alive": "counts live workers, for people who watch",
    "self._register.known": "reads which Lords live workers have, before anything is submitted",
    "self._bells.unknown_handler": "reads one ticket for a driver in its own process",
    "self._bells.bell_of": "reads one ticket for a driver in its own process",
    "self._bells.most_urgent": "reads what is due; it is rung for by `due`, which checks again",
    "self._bells.rung": "reads what the broker should have; a bell more does no harm",
    "self._bells.still_ready": "reads what is ready; a bell more does no harm",
    "self._broker.missing": "asks what the broker has, and takes nothing",
    "self._queue.missing": "asks what the broker has, and takes nothing",
    "self._broker.withdraw": "a queue in memory",
    "self._broker.probe": "writes a key that nothing depends on",
    "self._broker.wanted": "counts what waits in this process",
    "self._broker.recollects": "its loss makes bells ring again, which is harmless",
    "self._broker.remember": "its loss makes bells ring again, which is harmless",
    "self._broker.get_declared_queues": "a set in memory",
    "self._broker.close": "the process ends",
    "self._broker.attended": "a set in memory",
    "self.broker.emit_before": "tells the middleware in this process",
    "self.broker.emit_after": "tells the middleware in this process",
    "self.broker.add_middleware": "a list in memory",
    "self.broker.close": "the process ends",
    "self._broker.take": "a dictionary in memory",
    "self._queue.take": "a queue in memory",
    "self._queue.finish": "a queue in memory",
    "self._queue.reserve": "a queue in memory",
    "self._queue.update": "a queue in memory",
    "self._journal.drain": "waits for what was posted, and sends nothing itself",
    "self._queue.give_back": "a queue in memory",
    "self._queue.pass_on": "gives such a token back",
    "self._queue.listen": "waits for a token that nothing depends on: whoever gets none looks for itself",
}
#: Whose methods the two tables tell about.
PARTIES = (
    "self._journal",
    "self._register",
    "self._bells",
    "self._sweep",
    "self._counters",
    "self._ringer",
    "self._broker",
    "self.broker",
    "self._queue",
)
#: The Redis commands that are sent outside of the scripts, by function; none takes or gives a bell.
COMMANDS = {
    ("redis_queue.py", "listen"): {"blpop"},
    ("redis_queue.py", "pass_on"): {"rpush"},
    ("redis_queue.py", "size"): {"pipeline", "zcard", "hlen", "execute"},
    ("redis_queue.py", "clear"): {"delete"},
    ("redis_queue.py", "remove"): {"delete", "srem"},
    ("redis_queue.py", "missing"): {"pipeline", "zmscore", "hmget", "execute"},
    ("redis_queue.py", "_script"): {"register_script"},
    ("redis_watch.py", "_begin"): {"pubsub"},
    ("redis_broker.py", "recollects"): {"get", "set"},
    ("redis_broker.py", "remember"): {"set"},
    ("redis_broker.py", "rehearse"): {"get"},
    ("redis_broker.py", "probe"): {"set"},
    ("redis_broker.py", "ping"): {"ping"},
    ("redis_broker.py", "_known_queues"): {"smembers"},
    ("redis_broker.py", "_expire_earlier_keys"): {"smembers", "expire"},
}


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax tree of each file."""
    return {name: ast.parse(path.read_text()) for name, path in FILES.items()}


def functions(tree: ast.AST) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function of a module that is not inside another one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with what is called, as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def writes() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield file, function and call of everything that is sent to a database other than reads."""
    for file, tree in trees().items():
        for function, node in functions(tree):
            for called, call in calls(node):
                target, _, method = called.rpartition(".")
                ours = target.endswith("database") or target == "store" or (file == DATABASE and target == "self")
                if ours and method in {"write", "statement", "statements"}:
                    yield file, function, call


def names(call: ast.Call) -> set[str]:
    """Return what a call gives as `at`, however it chooses."""
    (value,) = [keyword.value for keyword in call.keywords if keyword.arg == "at"] or [None]
    options = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    return {str(option.value) for option in options if isinstance(option, ast.Constant)}


def passed() -> dict[str, list[str]]:
    """Return every point that is passed by a literal name, with the files."""
    found: dict[str, list[str]] = {}
    for file, tree in trees().items():
        for called, call in calls(tree):
            if called == "failpoint" and isinstance(call.args[0], ast.Constant):
                found.setdefault(str(call.args[0].value), []).append(file)
    return found


def test_every_write_carries_a_name_of_the_registry() -> None:
    unnamed = {
        (file, function, call.lineno)
        for file, function, call in writes()
        if not (names(call) and names(call) <= TRANSACTIONS) and (file, function) not in UNNAMED
    }

    assert not unnamed


def test_every_name_of_the_registry_is_written_under() -> None:
    assert set().union(*(names(call) for _, _, call in writes())) == TRANSACTIONS


def test_nothing_reaches_the_database_around_its_points() -> None:
    around = {
        (file, called)
        for file, tree in trees().items()
        for called, _ in calls(tree)
        if file not in {DATABASE, PREPARED, *MAKERS}
        and (".engine." in called or ".autocommit." in called or called.split(".")[-1] == "create_engine")
    }

    assert not around


def test_a_transaction_passes_its_three_stages_in_their_order() -> None:
    found = {
        name: [
            str(call.args[1].value)
            for called, call in calls(node)
            if called in {"failpoint", "_pass"} and len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
        ]
        for name, node in functions(trees()[DATABASE])
    }

    assert found["_carry_out"] == list(STAGES)
    assert found["_run"] == [STAGES[0], STAGES[2]], "one statement commits itself"


def test_every_place_is_passed_exactly_once_in_the_code() -> None:
    found = passed()
    points = [*_scripts()]
    scripts = [*points, *(f"{point}.done" for point in points)]

    assert sorted([*found, *scripts]) == sorted(PLACES)
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_every_redis_script_has_a_point_before_and_after_it() -> None:
    (run,) = [node for name, node in functions(trees()[REDIS_QUEUE]) if name == "_run"]
    plain = {"cast", "self._script"}
    order = [called for called, _ in sorted(calls(run), key=lambda item: item[1].lineno) if called not in plain]

    assert order == ["failpoint", "self._script(point)", "failpoint"]
    texts = [
        text for node in trees()[REDIS_QUEUE].body if isinstance(node, ast.Assign) for text in _text_of_script(node)
    ]
    assert sorted(_scripts().values()) == sorted(texts), "one of the scripts has no point"
    around = {
        (file, called)
        for file, tree in trees().items()
        for called, _ in calls(tree)
        if called.split(".")[-1] in {"eval", "evalsha", "fcall", "register_script", "execute_command"}
    }
    assert around == {(REDIS_QUEUE, "self._link.client.register_script")}


def test_every_other_redis_command_is_known_to_carry_no_bell() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for file in (file for file in FILES if Path(file).name.startswith("redis_")):
        for function, node in functions(trees()[file]):
            for called, _ in calls(node):
                target, _, method = called.rpartition(".")
                if target in {"self.client", "self._link.client", "pipe"}:
                    found.setdefault((Path(file).name, function), set()).add(method)

    assert found == COMMANDS


def test_every_call_on_a_steps_way_has_its_point() -> None:
    floors = ("worker/questline_worker/", "scheduler/questline_scheduler/")
    found = {
        called
        for file, tree in trees().items()
        if file.startswith(floors)
        for called, _ in calls(tree)
        if called.rpartition(".")[0] in PARTIES or called == "handler.function"
    }
    points = set(all_points())

    assert found - HOT_CALLS.keys() - COLD_CALLS.keys() == set(), "give the call a point, and a row in a table above"
    assert {name for name in HOT_CALLS.values() if not {name, f"{name}.begun"} & points} == set()


@pytest.mark.parametrize("stage", ["", "begun"])
def test_an_unarmed_point_builds_no_string_and_calls_nothing(stage: str) -> None:
    class Sentinel(str):
        __slots__ = ()

        def __format__(self, _spec: str) -> str:
            raise AssertionError("a string was built")

    seen: list[tuple[str, str]] = []

    def watch(frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            seen.append((event, frame.f_code.co_name))

    assert failpoints._armed is None
    name = Sentinel("claim")
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        failpoint(name, stage)
    finally:
        sys.setprofile(before)

    # Our own call of setprofile, which ends the watch, is seen too.
    assert [
        event for event in seen if event[1] != test_an_unarmed_point_builds_no_string_and_calls_nothing.__name__
    ] == [("call", "failpoint")]


def test_no_name_is_put_together_before_the_point_is_known_to_be_armed() -> None:
    built = {
        (file, call.lineno)
        for file, tree in trees().items()
        for called, call in calls(tree)
        if called == "failpoint"
        for argument in call.args
        if isinstance(argument, ast.JoinedStr | ast.BinOp | ast.Call)
    }

    assert not built


def _scripts() -> dict[str, str]:
    """Return the names of the Redis scripts' texts, by the point of each."""
    for node in trees()[REDIS_QUEUE].body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            assert ast.unparse(node.targets[0]) == "_SCRIPTS"
            points = [ast.literal_eval(key) for key in node.value.keys if key is not None]
            return dict(zip(points, map(ast.unparse, node.value.values), strict=True))
    raise AssertionError("the scripts have no points")


def _text_of_script(node: ast.Assign) -> Iterator[str]:
    """Yield the name of a script's text, if this is one: each begins with what they have in common."""
    if any(isinstance(part, ast.Name) and part.id == "_COMMON" for part in ast.walk(node.value)):
        yield ast.unparse(node.targets[0])
