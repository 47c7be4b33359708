"""The Lords of the soak, imported by its workers: each step is a hash of its input, and writes into the ledger."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from questline import LordContext, LordStep, Permanent, lord
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.writes import Enters, Saves
from tests.chaos.history.ledger import Ledger
from tests.chaos.plan import COUNTER, LORDS, PUSHED, TOOL, digest

#: Names of the environment variables that tell a worker where the ledger and the gates are, and which SQLite file its
#: handlers read by the way, if any.
LEDGER, GATES, READS = "CHAOS_LEDGER", "CHAOS_GATES", "CHAOS_READS"

_ledger = Ledger(Path(os.environ.get(LEDGER, os.devnull)))


def _begin(ctx: LordContext) -> None:
    _ledger.note("begin", ctx.idempotency_key, ctx._claim.claim_id)
    if READS in os.environ:
        with closing(sqlite3.connect(os.environ[READS], timeout=10.0)) as connection:
            connection.execute("SELECT count(*) FROM workers").fetchone()


def _remember(ctx: LordContext) -> None:
    """Have the step keep its name as the quest's state and as an event, and add one to what all of them count in."""
    kept, told = ctx.kept, {"event_type": "ended", "actor_type": "agent"}

    def count() -> None:
        row = kept.load(AGENT_STATES, COUNTER)
        body = {"state_data": str(1 if row is None else int(row.state_data) + 1), "metadata": "{}"}
        kept.save(Saves(AGENT_STATES, kept.key(COUNTER), body=body))

    kept.save(Saves(AGENT_STATES, kept.key(ctx.quest_id), body={"state_data": ctx.idempotency_key, "metadata": "{}"}))
    kept.enter(Enters(EVENTS, ctx.namespace, "", ctx.idempotency_key, told, stream=ctx.quest_id))
    kept.updating(count, tries=1)


def _result(
    ctx: LordContext, previous: str | None, *, failures: int, pushing: bool, gated: bool, remembers: bool
) -> str:
    """Return the step's hash, unless it is its turn to fail; what it remembers until then must go with it.

    What remembers makes its hash once, however often it is attempted.
    """
    if remembers:
        _remember(ctx)
    note = partial(_ledger.note, key=ctx.idempotency_key, claim_id=ctx._claim.claim_id)

    def made() -> str:
        note("call")
        given = None if previous is None else ctx.outputs[previous]
        return digest(ctx.input_data["seed"], ctx.epoch, ctx.position, given)

    # Before it may fail: then the next attempt is served what this one has recorded.
    output: str = ctx.once("digest", made) if remembers else made()
    if gated and not (Path(os.environ[GATES]) / ctx.quest_id).exists():
        note("fail")
        raise Permanent("the gate is shut")
    if ctx.attempt <= failures:
        note("fail")
        raise RuntimeError(f"attempt {ctx.attempt} of {failures} that are to fail")
    if pushing:
        first, second = PUSHED
        ctx.push(
            LordStep(first, TOOL, params={"previous": ctx.lord_name}),
            LordStep(second, TOOL, params={"previous": first}),
        )
    note("end")
    return output


def _step(
    ctx: LordContext,
    previous: str | None,
    *,
    nap: float = 0.01,
    failures: int = 0,
    pushing: bool = False,
    gated: bool = False,
    remembers: bool = False,
) -> str:
    _begin(ctx)
    time.sleep(nap)
    return _result(ctx, previous, failures=failures, pushing=pushing, gated=gated, remembers=remembers)


async def _async_step(
    ctx: LordContext,
    previous: str | None,
    *,
    nap: float = 0.01,
    failures: int = 0,
    pushing: bool = False,
    gated: bool = False,
    remembers: bool = False,
) -> str:
    _begin(ctx)
    await asyncio.sleep(nap)
    return await asyncio.to_thread(
        _result, ctx, previous, failures=failures, pushing=pushing, gated=gated, remembers=remembers
    )


for _name in (*LORDS[:-1], *PUSHED):
    lord(_name, TOOL)(_step)
lord(LORDS[-1], TOOL)(_async_step)
