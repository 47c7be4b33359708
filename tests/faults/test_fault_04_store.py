"""Fault 4: PostgreSQL's connections are cut, and replies to COMMIT are lost."""

import time

import pytest

from questline_worker.context import LordContext
from questline_worker.lords import lord
from tests.chaos.proxy import Proxy
from tests.faults.test_fault_03_replies import swallow_one
from tests.integration.worker.pools import Pool, completed, errors, quest, successes, tell
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
