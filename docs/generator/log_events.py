"""The reference of log events: their names and fields from the code, their meaning from here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tables import table

ROOT = Path(__file__).resolve().parents[2]
#: What each log event means; an event that is missing here, or is no longer logged, stops this script.
EVENTS = {
    "async_steps_full": "`max_async` async steps were under way for up to 5 s. Another went back and spent no attempt.",
    "broker_forgot": "The broker lost its memory (restart, FLUSHALL). Each ready step gets its wake-up again.",
    "broker_back": "The broker takes wake-ups again.",
    "broker_unavailable": "The broker is away, full or read-only. Workers find steps in SQL meanwhile, more slowly.",
    "checkpoint_refused": "The database refused this result. The attempt counts as failed.",
    "claim_freed": "The sweep freed a step of a lost worker, or of an attempt that timed out.",
    "claim_lost": "This process learned that its claim is gone: cancelled, replayed, or given to another worker.",
    "claim_stray": "No thread of this worker held this claim, as after an error. The worker gave it back.",
    "code_changed": "`questline dev` saw new code. The worker runs it as soon as running steps have ended.",
    "commits_taken_aside": "PostgreSQL took too long for claims or results, or a lock held them. Each is tried alone.",
    "committer_stumbled": "questline itself met an error while it committed results. Please report it.",
    "doorbell_failed": "The process could not reach the broker after a commit. The relay sends the wake-up later.",
    "event_loop_stuck": "Async handlers block the loop, ignore a cancel, or left 100 calls hanging. The process ends.",
    "failure_refused": "The database refused an error's text. questline escapes it, then omits it. The attempt counts.",
    "health_served": "A worker pool or a scheduler answers probes and metrics on this address.",
    "hook_failed": "A hook of yours raised an error. What it was told of goes on as if it had not.",
    "http_request": "The gateway answered a request. `request_id` stands in the answer's header `X-Request-ID`, too.",
    "http_request_failed": "The gateway met an error that nobody foresaw, and answered 500. Please report it.",
    "lease_lost": "Others took this process for dead. It goes on under a new id; its old claims are void.",
    "leave_failed": "The database was away when the process signed off. Its lease ends by itself.",
    "live_broker_lost": "The gateway cannot hear the broker. Open streams tell of what is new within a second.",
    "live_look_failed": "The gateway could not see what is new. Open streams go on, and tell of it later.",
    "budget_used_up": "A quest is to be paused, since a budget was used up by one of its steps.",
    "cost_lost": "What an attempt has spent was not noted: too much waits for that already.",
    "cost_refused": "The store refused what an attempt has spent; the step goes on.",
    "costs_lost": "A process ended before it could note what attempts have spent.",
    "log_lines_lost": "The store refused lines of steps' logs, which are lost; the steps go on.",
    "log_lines_wait": "Lines of steps' logs could not be written as a quest or a process ended.",
    "loop_failed": "A background loop met an error and goes on after a pause.",
    "lord_unknown": "This worker lacks the step's Lord and left it. The step waits for a worker that has the Lord.",
    "metrics_incomplete": "questline itself met an error while it read the gauges. Please report it.",
    "message_dropped": "A message in the queue wakes no step. The worker threw it away.",
    "batch_done": "A batch was tried on every quest that it means.",
    "batch_left": "This process left a batch: it was aborted, another process has it, or a reply was lost.",
    "batch_stumbled": "questline itself met an error with one quest of a batch, which goes on; please report it.",
    "migration_waits": "Other programs read the tables that a migration changes. It lets them pass and tries again.",
    "pooler_noticed": "A pooler shares PostgreSQL's sessions. Each transaction now sets what it relies on.",
    "progress": "A handler called `ctx.progress`.",
    "quest_changed": "A quest completed, failed, or was paused or cancelled. Only `questline dev` logs this.",
    "recovery_delayed": "The supervisor could not free the steps of a dead process at once. The sweep frees them.",
    "redispatched": "The broker had lost some wake-ups; the relay sent them again. The line names ten of their quests.",
    "release_failed": "The database was away at shutdown. The sweep frees the step.",
    "requeue_failed": "The wake-ups that a lost worker had fetched did not get back. The relay sends them again.",
    "result_fenced": "questline dropped a late result, because its claim no longer held the step.",
    "threads_stuck": "Handlers that never return keep all threads. The supervisor replaces the process.",
    "worker_process_not_started": "The system could not start a process. The supervisor tries again later.",
    "ringing_failed": "questline itself met an error while it sent wake-ups. The relay sends them; please report it.",
    "run_not_persisted": "The run history could not record a run or a part of one. Its caller has the error.",
    "run_part_persisted": "The run history recorded a plan, or what came of one, by itself.",
    "run_persisted": "The run history recorded a run that was executed elsewhere.",
    "schema_refused": "The database has the wrong schema. The process ends with exit code 7.",
    "settling_failed": "questline itself met an error after a commit. The relay wakes the next step; please report it.",
    "fork_unprepared": "A fork is not safe for a store that was opened before it; the traceback tells why.",
    "statement": "An SQL statement is sent, shown without its values. Only a manager with `echo=True` logs this.",
    "once_again": "A call of `ctx.once` met an error. It is made again, as its `retries` say.",
    "step_abandoned": "The process ends while the database is away or cannot be used. The sweep frees the step.",
    "end_held_up": "Others lock, or have just saved, what this step writes. Its result waits; other steps run on.",
    "step_put_off": "Others have saved what this step was about to save. It runs again soon, and spends no attempt.",
    "step_broken": "questline itself met an error around a step. The step goes back to the queue; please report it.",
    "step_snoozed": "A handler put its step off by `after` seconds, which spends no attempt.",
    "step_ended": "A handler has ended. Only `questline dev` logs this.",
    "payload_unreadable": "This worker lacks a key of a step's payloads and left it to workers that have the key.",
    "step_failed": "A handler raised. `retry_in` is the wait before the next attempt, null when the quest fails.",
    "step_started": "The worker calls a handler. Only `questline dev` logs this.",
    "step_released": "A step did not end before its worker had to. The worker gave it back, and spent no attempt.",
    "store_unavailable": "The database is away, or its disk is full. The process waits, and goes on when it is back.",
    "sweep_delayed": "Somebody keeps a row locked that a sweep has to write. The next sweep tries again.",
    "sweep_failed": "The sweep could not free one step, or could not record that it did. It freed the others.",
    "suspect_put_off": "A suspect waited a minute or more to run alone or among few. Others go first now.",
    "sweep_postponed": "The database was away, so all leases look expired. Workers get time to renew them.",
    "threads_busy": "No thread was free in time for claimed steps or fetched messages. The process gave them back.",
    "threads_died": "A thread of this worker is dead. The process ends, and the supervisor replaces it.",
    "worker_misconfigured": "An import or a setting keeps a process from starting. It is tried again, ever slower.",
    "worker_process_died": "A worker process ended on its own. The supervisor replaces it and frees its steps.",
    "worker_process_killed": "A worker process did not end in time, so the supervisor killed it.",
    "worker_process_started": "The supervisor started a worker process.",
    "worker_started": "A worker process has registered and may run steps.",
    "workers_lost": "Leases ended, or a supervisor saw its process die. The sweep frees their steps.",
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
