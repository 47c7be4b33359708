"""Behind a pooler that shares PostgreSQL's sessions: nothing is set, prepared or locked in one, seen on the wire."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from questline_persistence.dialects.postgres import sessions
from questline_persistence.models import LordStep
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import Pool, completed, ended, quest, steps

#: What is left behind in a session, or relies on it, at the beginning of a statement and anywhere in it.
SESSION_LEVEL = re.compile(
    r"^\s*(SET(?!\s+LOCAL\b)|RESET|DISCARD|PREPARE|EXECUTE|DEALLOCATE|LISTEN|UNLISTEN|LOAD|CREATE\s+TEMP)\b"
    r"|\bWITH HOLD\b"
    r"|\bpg_(try_)?advisory_lock|set_config\([^)]*,\s*false\)|\b(currval|lastval)\(|\bpg_temp\b",
    re.IGNORECASE,
)
#: A message of the client in libpq's trace: a query, or a statement to be prepared under a name, which may be empty.
SENT = re.compile(r"\tF\t\d+\t(Query|Parse)\t (.*)", re.DOTALL)
NAMED = re.compile(r'^"([^"]*)" "(.*)$', re.DOTALL)


class Wire:
    """What is sent to the server by all sessions opened since.

    Parameters:
      folder: where libpq writes what it sends, a file per session.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self.asked: list[str] = []
        self._files: list[Any] = []
        self._closed = False
        opener: Any = sessions._Opener
        open_one = opener.open

        def opened(*arguments: Any) -> Any:
            own = open_one(*arguments)
            self._trace(own)
            return own

        monkeypatch.setattr(opener, "open", opened)

    def _trace(self, own: psycopg.Connection[Any]) -> None:
        if self._closed:  # what still runs when the test is over
            return
        if own.prepare_threshold is not None:  # what is prepared at its sixth time, is at its second
            own.prepare_threshold = 1
        self.asked.append(own.info.get_parameters().get("options", ""))
        file = (self._folder / f"{len(self._files)}.trace").open("w")
        self._files.append(file)
        own.pgconn.trace(file.fileno())

    def statements(self) -> Iterator[tuple[str, str]]:
        """Yield each statement with the name that it was prepared under, empty where it was not."""
        for file in self._folder.glob("*.trace"):
            for message in re.split(r"(?m)^(?=\d{4}-\d\d-\d\d )", file.read_text()):
                if (sent := SENT.search(message)) is not None:
                    kind, rest = sent.groups()
                    named = NAMED.match(rest)
                    yield (named[1], named[2]) if kind == "Parse" and named else ("", rest.strip('"'))

    def left_behind(self) -> set[str]:
        """Return the statements that leave something in a session, or rely on what is there."""
        found = {f"prepared: {text.strip()[:60]}" for name, text in self.statements() if name}
        pieces = (piece for _, text in self.statements() for piece in text.split(";"))
        return found | {piece.strip()[:60] for piece in pieces if SESSION_LEVEL.search(piece)}

    def close(self) -> None:
        self._closed = True
        for file in self._files:
            file.close()


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    wire = Wire(tmp_path, monkeypatch)
    yield wire
    wire.close()


def lead_lives(pool: Pool) -> None:
    """Have clients, a worker and its loops do what they do."""

    @lord("a", "work")
    def work(context: LordContext) -> int:
        context.progress(0.5, "half")
        return len(context.outputs)

    @lord("b", "push")
    def push(context: LordContext) -> None:
        context.push(LordStep("a", "work"))

    @lord("c", "fail")
    def fail(context: LordContext) -> None:
        raise ValueError(context.position)

    pool.start()
    client = pool.client()
    for _ in range(8):
        completed(client.submit(quest("a", LordStep("b", "push"), "a")))
    failed = client.submit(quest(*steps("a"), LordStep("c", "fail", max_attempts=1)))
    ended(client, failed.quest_id, "failed")
    client.retry(failed.quest_id)
    ended(client, failed.quest_id, "failed")
    client.replay(failed.quest_id)
    ended(client, failed.quest_id, "failed")
    paused = client.submit(quest("a", queue="nobody"))
    for verb in (client.pause, client.resume, client.cancel):
        verb(paused.quest_id)
    client.submit_many([quest("a", queue="nobody"), quest("a", queue="nobody")])
    client.stats()
    for member in pool.members:
        member.stop()


def test_nothing_is_left_in_a_session_that_a_pooler_shares(
    server_pool: Pool, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_DATABASE_POOLER", "transaction")
    lead_lives(server_pool)

    assert len(list(wire.statements())) > 500
    assert set(wire.asked) == {""}
    assert wire.left_behind() == set()


def test_such_statements_are_seen_where_sessions_are_our_own(server_pool: Pool, wire: Wire) -> None:
    lead_lives(server_pool)

    found = wire.left_behind()
    assert any(text.startswith("prepared: WITH done") for text in found)
    assert any(text.startswith("SET statement_timeout") for text in found)
    assert {"default_transaction_isolation" in asked for asked in wire.asked} == {True}
