"""Fault 4: PostgreSQL's connections are cut, and replies to COMMIT are lost."""

import time

import pytest

from questline_persistence.claims import Checkpoint, Settled, Succeeded
from questline_worker.lords import LordContext, lord
from tests.chaos.proxy import Proxy
from tests.faults.test_fault_03_replies import swallow_one
from tests.integration.worker.pools import LONG, Member, Pool, completed, errors, quest, successes, tell
from tests.servers.postgres import USER, PostgresServer
from tests.waiting import eventually

#: How often the store is harmed while the quests run.
HARMS = 6


def test_fault_04_cut_connections_and_lost_replies_to_commit_reach_no_quest(
    fragile_postgres: str, postgres_server: PostgresServer, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(context.idempotency_key)
        return context.position

    with Proxy(lambda: postgres_server.port) as proxy:
        pool = Pool(f"postgresql://{USER}@127.0.0.1:{proxy.port}/{fragile_postgres}", redis_url)
        try:
            pool.start(threads=4)
            client = pool.client()
            handles = []
            for _ in range(HARMS):
                handles += client.submit_many([quest(*["a"] * 6) for _ in range(10)])
                before = len(ran)
                eventually(lambda before=before: len(ran) > before)
                proxy.cut()
                swallow_one(proxy)
            healed = time.monotonic()
            for handle in handles:
                completed(handle)
                assert errors(client, handle.quest_id) == [], "an error of the store reached a quest"
                assert len(successes(client, handle.quest_id)) == 6
            tell(f"all done {time.monotonic() - healed:.2f} s after the last harm")
        finally:
            pool.close()
    assert len(ran) == len(set(ran)) == HARMS * 10 * 6
    for repaired in ("result_fenced", "claim_stray"):
        assert repaired not in caplog.text, "what was committed was not recognised when it was sent again"


def test_fault_04_a_restart_loses_no_result_that_was_being_committed_behind_a_thread_s_back(
    fragile_postgres: str, postgres_server: PostgresServer, redis_url: str
) -> None:
    ran: list[str] = []
    pool = Pool(postgres_server.databases.url(fragile_postgres), redis_url)

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(context.idempotency_key)
        return context.position

    try:
        member, client = pool.start(threads=2), pool.client()
        handed = committed_with_next_claim(member)
        posted = posted_by(member)
        handles = client.submit_many([quest(*["a"] * 20) for _ in range(30)])
        for _ in range(2):
            before = len(ran), len(posted)
            eventually(lambda before=before: len(ran) > before[0] and len(posted) > before[1], timeout=LONG)
            postgres_server.restart(immediate=True)
        for handle in handles:
            completed(handle)
            assert errors(client, handle.quest_id) == [], "an error of the store reached a quest"
            assert len(successes(client, handle.quest_id)) == 20
        eventually(lambda: not member.process.running.all())
    finally:
        pool.close()
    assert handed, "nothing was handed over"
    assert len(ran) == len(set(ran)) == 30 * 20


def committed_with_next_claim(member: Member) -> list[str]:
    """Return a list that grows with each claim which a worker wins together with the result before it."""
    handed: list[str] = []
    checkpoint = member.process.journal.checkpoint

    def note(end: Checkpoint[Succeeded]) -> Settled:
        settled = checkpoint(end)
        if settled.next_claim is not None:
            handed.append(settled.next_claim.claim_id)
        return settled

    member.process.journal.checkpoint = note  # type: ignore[method-assign]
    return handed


def posted_by(member: Member) -> list[str]:
    """Return a list that grows with each result which a worker has committed behind its thread's back."""
    posted: list[str] = []
    post = member.process.journal.post

    def note(end: Checkpoint[Succeeded]) -> None:
        posted.append(end.claim.claim_id)
        post(end)

    member.process.journal.post = note  # type: ignore[method-assign]
    return posted
