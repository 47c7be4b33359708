"""Fault 5: a handler in C code that keeps the interpreter lock, so that its whole process falls silent."""

import os
from textwrap import dedent

from tests.acceptance.recovery.projects import LONG, Project, is_alive
from tests.waiting import eventually

#: The first attempt reads a pipe through a function that does not let go of the interpreter lock: not one other
#: thread of its process runs until the test writes to the pipe. The second attempt finds the note of the first, and
#: waits for the gate.
GREEDY = dedent("""
    import ctypes

    @lord("greedy", "work")
    def greedy(ctx: LordContext) -> int:
        again = ctx.idempotency_key in (FOLDER / "ledger").read_text()
        note("begin", ctx.idempotency_key)
        if not again:
            pipe = os.open(FOLDER / "pipe", os.O_RDWR)
            ctypes.PyDLL(None).read(pipe, ctypes.create_string_buffer(1), 1)
        while again and not (FOLDER / "gate").exists():
            time.sleep(0.01)
        note("end", ctx.idempotency_key)
        return os.getpid()
""")


def test_fault_05_a_process_whose_interpreter_lock_is_held_past_its_lease_is_fenced(server_project: Project) -> None:
    project = server_project
    os.mkfifo(project.folder / "pipe")
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(GREEDY)
    project.environment["QUESTLINE_LEASE_SECONDS"] = "1.5"
    project.start_pool(processes=2, threads=2)
    project.submit("quick", "greedy", "quick", quest_id="greedy")
    first = project.wait_for_begin("greedy:0:0002")
    second = project.wait_for_begin("greedy:0:0002", 2)
    assert first.pid != second.pid
    assert is_alive(first.pid)
    (project.folder / "pipe").write_bytes(b"x")
    eventually(
        lambda: any(entry.word == "end" and entry.pid == first.pid for entry in project.ledger()),
        timeout=LONG,
        message="the first attempt did not end",
    )
    eventually(lambda: "result_fenced" in project.log, timeout=LONG, message="the late result was not dropped")
    assert project.successes("greedy") == ["0001"], "the zombie committed what another runs now"
    project.open_gate()
    assert project.completed("greedy").run_data["greedy"] == second.pid
    assert project.successes("greedy") == ["0001", "0002", "0003"]
