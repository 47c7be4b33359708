"""How long and how hard a soak is: the counts of every fault, and the terms that the programs under test get."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What the nemesis does."""

    KILL_CHILD = "kill -9 of a worker process"
    KILL_SUPERVISOR = "kill -9 of a supervisor"
    LOSE_HOST = "a host lost: supervisor and workers killed at once"
    FREEZE = "SIGSTOP of a worker past its lease, then SIGCONT"
    DEPLOY = "SIGTERM deploy of all workers"
    FLUSH = "FLUSHALL"
    RESTART_BROKER = "broker restarted, empty"
    STALL_BROKER = "broker stalled 13 s"
    STOP_POSTGRES_FAST = "PostgreSQL restarted, fast shutdown"
    STOP_POSTGRES_NOW = "PostgreSQL restarted, immediate shutdown"
    CUT_POSTGRES = "connections cut by pg_terminate_backend"
    NET_BROKER_CUT = "network to the broker cut"
    NET_BROKER_SLOW = "network to the broker slow"
    NET_BROKER_DEAF = "replies of the broker lost"
    NET_BROKER_HOLE = "network to the broker a black hole"
    NET_POSTGRES_CUT = "network to PostgreSQL cut"
    NET_POSTGRES_SLOW = "network to PostgreSQL slow"
    NET_POSTGRES_DEAF = "replies of PostgreSQL lost"
    NET_POSTGRES_HOLE = "network to PostgreSQL a black hole"
    KILL_SCHEDULER = "kill -9 of one of three schedulers"
    VERB = "pause and resume, cancel, or replay"


#: What happens one after the other; the lanes themselves run side by side.
LANES: Mapping[str, tuple[Fault, ...]] = {
    "workers": (Fault.KILL_CHILD,),
    "hosts": (Fault.KILL_SUPERVISOR, Fault.LOSE_HOST, Fault.FREEZE, Fault.DEPLOY),
    "broker": (Fault.FLUSH, Fault.RESTART_BROKER, Fault.STALL_BROKER),
    "postgres": (Fault.STOP_POSTGRES_FAST, Fault.STOP_POSTGRES_NOW, Fault.CUT_POSTGRES),
    "network": tuple(fault for fault in Fault if fault.name.startswith("NET_")),
    "schedulers": (Fault.KILL_SCHEDULER,),
    "admin": (Fault.VERB,),
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """One soak."""

    seed: int
    quests: int
    #: Over how many seconds the faults are spread.
    seconds: float
    faults: Mapping[Fault, int]
    hosts: int = 2
    processes: int = 2
    threads: int = 2
    schedulers: int = 3
    heartbeat: float = 1.0
    lease: float = 5.0
    sweep: float = 0.5
    #: Seconds that running steps get at SIGTERM.
    shutdown: float = 2.0
    #: A quest that has not ended is stuck once nothing has happened for so long after the last fault, in seconds.
    idle: float = 30.0
    #: Longest time that all quests may take to end after it, in seconds: a slow machine is not a stuck quest.
    drain: float = 600.0
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def takeover(self) -> float:
        """The promised time until a silent worker's step is claimed by another, in seconds."""
        return self.lease + self.sweep + 1.0

    def environment(self) -> dict[str, str]:
        """Return the settings of the programs under test."""
        return {
            "QUESTLINE_HEARTBEAT_SECONDS": str(self.heartbeat),
            "QUESTLINE_LEASE_SECONDS": str(self.lease),
            "QUESTLINE_SWEEP_SECONDS": str(self.sweep),
            "QUESTLINE_SHUTDOWN_SECONDS": str(self.shutdown),
            "QUESTLINE_LOG_FORMAT": "json",
            "QUESTLINE_LOG_LEVEL": "warning",
            **self.settings,
        }


def _number(name: str, default: int) -> int:
    return int(os.environ.get(f"QUESTLINE_SOAK_{name}", default))


def _seed() -> int:
    return _number("SEED", random.SystemRandom().randrange(1_000_000))


def short() -> Parameters:
    """Return the soak of `make test`: every fault at least once."""
    more = {Fault.KILL_CHILD: 8, Fault.FREEZE: 2, Fault.KILL_SCHEDULER: 3, Fault.VERB: 15, Fault.FLUSH: 2}
    faults = {fault: more.get(fault, 1) for fault in Fault}
    return Parameters(
        _seed(), 150, 36.0, faults, heartbeat=0.5, lease=3.0, sweep=0.3, shutdown=1.0, idle=20.0, drain=150.0
    )


def long() -> Parameters:
    """Return the soak of `make soak`, as large as the environment says."""
    kills, restarts = _number("KILLS", 500), _number("POSTGRES_RESTARTS", 60)
    network = _number("NETWORK_FAULTS", 80)
    faults = {
        Fault.KILL_CHILD: kills,
        Fault.KILL_SUPERVISOR: _number("SUPERVISOR_KILLS", kills // 40),
        Fault.LOSE_HOST: _number("LOST_HOSTS", kills // 40),
        Fault.DEPLOY: _number("DEPLOYS", kills // 40),
        Fault.FREEZE: _number("SIGSTOPS", 100),
        Fault.FLUSH: _number("FLUSHALLS", 20),
        Fault.RESTART_BROKER: _number("BROKER_RESTARTS", 60),
        Fault.STALL_BROKER: _number("BROKER_STALLS", 8),
        Fault.STOP_POSTGRES_FAST: restarts - restarts // 2,
        Fault.STOP_POSTGRES_NOW: restarts // 2,
        Fault.CUT_POSTGRES: _number("CUTS", 30),
        **{fault: -(-network // len(LANES["network"])) for fault in LANES["network"]},
        Fault.KILL_SCHEDULER: _number("SCHEDULER_KILLS", 60),
        Fault.VERB: _number("VERBS", 600),
    }
    minutes = float(os.environ.get("QUESTLINE_SOAK_MINUTES", "27"))
    return Parameters(_seed(), _number("QUESTS", 10_000), minutes * 60, faults)
