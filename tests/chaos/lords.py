"""The Lords of the soak, imported by its workers: each step is a hash of its input, and writes into the ledger."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from questline import LordContext, LordStep, Permanent, lord
from tests.chaos.history.ledger import Ledger
from tests.chaos.plan import LORDS, PUSHED, TOOL, digest

#: Names of the environment variables that tell a worker where the ledger and the gates are, and which SQLite file its
#: handlers read by the way, if any.
LEDGER, GATES, READS = "CHAOS_LEDGER", "CHAOS_GATES", "CHAOS_READS"

_ledger = Ledger(Path(os.environ.get(LEDGER, os.devnull)))


def _begin(ctx: LordContext) -> None:
    _ledger.note("begin", ctx.idempotency_key, ctx._claim.claim_id)
    if READS in os.environ:
        with closing(sqlite3.connect(os.environ[READS], timeout=10.0)) as connection:
            connection.execute("SELECT count(*) FROM workers").fetchone()


def _result(ctx: LordContext, previous: str | None, *, failures: int, pushing: bool, gated: bool) -> str:
    """Return the step's hash, unless it is its turn to fail."""
    note = partial(_ledger.note, key=ctx.idempotency_key, claim_id=ctx._claim.claim_id)
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
    given = None if previous is None else ctx.outputs[previous]
    output = digest(ctx.input_data["seed"], ctx.epoch, ctx.position, given)
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
) -> str:
    _begin(ctx)
    time.sleep(nap)
    return _result(ctx, previous, failures=failures, pushing=pushing, gated=gated)


async def _async_step(
    ctx: LordContext,
    previous: str | None,
    *,
    nap: float = 0.01,
    failures: int = 0,
    pushing: bool = False,
    gated: bool = False,
) -> str:
    _begin(ctx)
    await asyncio.sleep(nap)
    return await asyncio.to_thread(_result, ctx, previous, failures=failures, pushing=pushing, gated=gated)


for _name in (*LORDS[:-1], *PUSHED):
    lord(_name, TOOL)(_step)
lord(LORDS[-1], TOOL)(_async_step)
