"""Fault 3: what was rung or fetched arrives, and the reply that says so does not."""

from questline_worker.lords import LordContext, lord
from tests.chaos.proxy import Proxy
from tests.integration.worker.pools import LONG, Pool, completed, errors, quest, successes
from tests.servers.valkey import ValkeyServer
from tests.waiting import eventually

#: How often replies are lost while the quests run.
LOSSES = 6


def swallow_one(proxy: Proxy) -> None:
    """Lose the replies that come until one was lost, then reset the connections that miss one."""
    proxy.swallow_replies()
    try:
        eventually(
            lambda: proxy._call(lambda: any(link.spoiled for link in proxy._links)),
            timeout=LONG,
            interval=0.002,
            message="no reply came that could be lost",
        )
    finally:
        proxy.heal()


def test_fault_03_lost_replies_of_the_broker_leave_no_step_stuck_and_double_none(
    postgres_url: str, valkey_server: ValkeyServer
) -> None:
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(context.idempotency_key)
        return context.position

    valkey_server.flush()
    with Proxy(lambda: valkey_server.port) as proxy:
        pool = Pool(postgres_url, f"redis://127.0.0.1:{proxy.port}/0")
        try:
            pool.start(threads=2)
            pool.start(threads=2)
            client = pool.client()
            handles = []
            for _ in range(LOSSES):
                handles += client.submit_many([quest(*["a"] * 6) for _ in range(5)])
                swallow_one(proxy)
            for handle in handles:
                completed(handle)
                assert errors(client, handle.quest_id) == []
                assert len(successes(client, handle.quest_id)) == 6
        finally:
            pool.close()
    assert len(ran) == len(set(ran)) == LOSSES * 5 * 6
