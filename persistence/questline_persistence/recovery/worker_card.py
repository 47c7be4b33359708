"""How a worker process introduces itself to the register."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WorkerCard:
    """What a worker process says of itself.

    Parameters:
      worker_id: its name, new each time that it enters.
      process_id: the name under which its supervisor knows it, which stays the same.
      host: the machine's name, for people to see.
      pid: the system's number of the process.
      threads: how many threads run steps.
      queues: what it listens to.
      handlers: the Lords that it knows, with their tools.
      code_version: the version of the Lords' code, or "" where nobody has said.
    """

    worker_id: str
    process_id: str
    host: str
    pid: int
    threads: int
    queues: tuple[str, ...] = ()
    handlers: tuple[str, ...] = field(default=(), repr=False)
    code_version: str = ""
