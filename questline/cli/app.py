"""The command line put together: which commands there are, in the order in which `--help` lists them."""

from __future__ import annotations

from questline.cli import doctor
from questline.cli.command import new_app
from questline.cli.commands import (
    batch,
    config,
    db,
    delete,
    demo,
    dev,
    gateway,
    list,  # noqa: A004  (named for its command)
    replay,
    runs,
    scheduler,
    show,
    snapshots,
    stats,
    steering,
    submit,
    wait,
    worker,
    workers,
)
from questline.cli.commands.memory import context, event, memory, state, todo
from questline.cli.commands.moving import backup, erase, export
from questline.cli.commands.security import audit, keys
from questline.cli.commands.spending import budget, costs
from questline.cli.commands.steps import diff, logs, probe
from questline.cli.commands.upkeep import health, version

_QUESTS, _STEERING, _MEMORY = "Quests", "Steering", "What Lords remember"
_MOVING = "Moving house"
_PROCESSES, _SECURITY, _UPKEEP = "Processes", "Security", "Upkeep"

_HELP = """Run quests durably: questline commits the result of each step to SQL.

A quest is one run of a workflow: an input and a list of steps. Lords (your step functions) run the steps; `@lord`
registers them.

retry: run the failed step again. resume: go on after a pause. replay: take the quest back to an earlier snapshot, and
run it again from there. fork: start a new quest from a snapshot of another quest. cancel: stop for good.

Exit codes: 0 ok, 1 unexpected, 2 usage or failed import, 3 database or broker unreachable, 4 not found, 5 conflict
with the current state, 6 not allowed, 7 schema or configuration, 8 the quest that you waited for
failed, 9 it was cancelled or is paused, 124 the time of the wait is over.
"""

app = new_app(_HELP, root=True)

for _module in (submit, list, show, runs, logs, snapshots, diff, probe, wait, stats, costs):
    _module.register(app, _QUESTS)
for _module in (steering, replay, delete, batch, budget):
    _module.register(app, _STEERING)
for _module in (export, backup, erase):
    _module.register(app, _MOVING)
for _module in (state, event, context, todo, memory):
    _module.register(app, _MEMORY)
for _module in (worker, scheduler, gateway, dev, demo, workers, health):
    _module.register(app, _PROCESSES)
for _module in (keys, audit):
    _module.register(app, _SECURITY)
for _module in (db, doctor, config, version):
    _module.register(app, _UPKEEP)
