"""The reference of log events: their names and fields from the code, their meaning from here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tables import table

ROOT = Path(__file__).resolve().parents[2]
#: What each log event means; an event that is missing here, or is no longer logged, stops this script.
EVENTS = {
    "async_steps_full": "All `max_async` slots were taken; the step was given back within 5 s, no attempt spent.",
    "broker_forgot": "The broker lost its memory (restart, FLUSHALL). Each ready step gets its wake-up again.",
    "broker_back": "The broker takes wake-ups again.",
    "broker_unavailable": "The broker is away, full or read-only. Workers find steps in SQL meanwhile, more slowly.",
    "checkpoint_refused": "The store refused this very result. The attempt counts as failed.",
    "claim_freed": "The sweep took a step from a lost worker, or a late one. `company`: others ran beside it.",
    "claim_lost": "This process learned that its claim is gone: cancelled, replayed, or given to another worker.",
    "claim_stray": "A claim of this worker was held by no thread of it, as after an error; it was given back.",
    "code_changed": "`questline dev` saw new code. The worker runs it as soon as running steps have ended.",
    "commits_taken_aside": "Claims or results took PostgreSQL too long, or met a lock. Each is tried alone.",
    "committer_stumbled": "questline itself met an error while it committed results. Please report it.",
    "doorbell_failed": "The broker could not be reached after a commit. The relay sends the wake-up later.",
    "event_loop_stuck": "Async handlers block the loop, go on though cancelled, or left 100 calls hanging. It ends.",
    "failure_refused": "The store took no record of a failure. It is escaped, then left out; the attempt counts.",
    "hook_failed": "A function given as a hook raised. It changes nothing.",
    "lease_lost": "This process was taken for dead and goes on under a new name; its old claims are fenced.",
    "leave_failed": "The store was away when the process signed off. Its lease runs out by itself.",
    "loop_failed": "A background loop met an error and goes on after a pause.",
    "lord_unknown": "A step was left, since this worker lacks its Lord. It waits for a worker that has it.",
    "message_dropped": "A message in the queue wakes no step. It was thrown away.",
    "migration_waits": "Others have read tables that a migration changes. It lets everybody pass, and tries again.",
    "pooler_noticed": "A pooler shares PostgreSQL's sessions: each transaction says for itself what it relies on.",
    "progress": "A handler called `ctx.progress`.",
    "quest_ended": "A quest completed, failed, or was paused or cancelled. Only `questline dev` tells.",
    "recovery_delayed": "A dead child's steps could not be freed at once. The sweep does it.",
    "redispatched": "The broker had lost some wake-ups; the relay sent them again. Ten of their quests are named.",
    "release_failed": "The store was away at shutdown. The sweep frees the step.",
    "requeue_failed": "What a lost worker had fetched could not be given back. The relay sends it again.",
    "result_fenced": "A late result was dropped: its claim no longer held the step.",
    "threads_stuck": "Handlers that never return keep the threads of a process; it is replaced.",
    "worker_process_not_started": "The system could not start a process. The supervisor tries again later.",
    "ringing_failed": "questline itself met an error while it sent wake-ups. The relay sends them; please report it.",
    "schema_refused": "The store has the wrong schema. The process ends with exit code 7.",
    "settling_failed": "questline itself met an error after a commit. The relay wakes the next step; please report it.",
    "fork_unprepared": "A fork is not safe for a store that was opened before it; the traceback tells why.",
    "step_abandoned": "The process ends while the store is away, or the store cannot be used. The step is swept.",
    "step_broken": "questline itself met an error around a step. Its claim is given back or swept; please report it.",
    "step_snoozed": "A handler asked for its step to be put off by `after` seconds; no attempt is spent.",
    "step_ended": "A handler is done. Only `questline dev` tells.",
    "step_failed": "A handler raised. `retry_in` is the wait before the next attempt, null when the quest fails.",
    "step_started": "A handler is about to be called. Only `questline dev` tells.",
    "step_released": "A step did not end within the time for shutting down and was given back, no attempt spent.",
    "store_unavailable": "The database is away, or its disk is full. The process waits, and goes on when it is back.",
    "sweep_delayed": "Somebody keeps a row locked that a sweep has to write. The next sweep tries it again.",
    "sweep_failed": "One row could not be swept, or the store took no record of it. The others were.",
    "suspect_put_off": "A suspect waited in vain, a minute or more, to run alone or among few. Others go first now.",
    "sweep_postponed": "The store was away, so that all leases look over. Workers get time to renew them.",
    "threads_busy": "No thread was free in time for steps claimed, or messages fetched, here. They went back.",
    "threads_died": "A consumer or worker thread is dead. The process ends and is replaced.",
    "worker_misconfigured": "A child cannot start: import or configuration. It is tried again, ever more slowly.",
    "worker_process_died": "A child ended on its own. It is replaced and its steps are freed.",
    "worker_process_killed": "A child did not end in time and was killed.",
    "worker_process_started": "The supervisor started a child.",
    "worker_started": "A process registered and may claim.",
    "workers_lost": "Leases ran out, or a supervisor saw its child die: these workers are lost, their steps are freed.",
}


def events_part() -> str:
    """Return the table of everything that questline's processes log."""
    logged = {event: (level, fields) for event, level, fields in sorted(_logged())}
    for name, wrong in (("explain", logged.keys() - EVENTS), ("remove", EVENTS.keys() - logged)):
        if wrong:
            raise SystemExit(f"{name} {', '.join(sorted(wrong))} in EVENTS of docs/generator/log_events.py")
    rows = [
        (f"`{event}`", level, ", ".join(f"`{name}`" for name in fields), EVENTS[event])
        for event, (level, fields) in logged.items()
    ]
    return table(("event", "level", "fields", "meaning"), rows)


def _logged() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (event, level, fields) of every call of `log.LEVEL("event", field=…)` in the four floors."""
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    for floor in ("persistence", "scheduler", "worker", "gateway"):
        for path in sorted((ROOT / floor).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in levels:
                    event = node.args[0] if node.args else None
                    if isinstance(event, ast.Constant) and isinstance(event.value, str):
                        fields = tuple(word.arg for word in node.keywords if word.arg and word.arg != "exc_info")
                        yield event.value, node.func.attr.replace("exception", "error"), fields
