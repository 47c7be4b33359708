"""The examples of the how-to, against a gateway that serves; the browser's are for the browser's tests."""

import re
import runpy
import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from questline_gateway.server import GatewayServer
from tests.acceptance.docs.pages import ROOT, blocks
from tests.contract.quests import Workbench
from tests.integration.gateway.live.event_reader import EventReader, of, told

PAGE = ROOT / "docs" / "how-to" / "gateway" / "live.md"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def quest_id(bench: Workbench) -> str:
    """The quest of the page, ended at its third version."""
    quest_id = bench.submit("a", "b", "c", quest_id="q-1")
    bench.advance(quest_id, 1, 2, 3)
    return quest_id


def test_the_script_follows_a_quest_to_its_end(
    quest_id: str,
    server: GatewayServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (script,) = [block for block in blocks(PAGE) if block.file == "follow.py"]
    (tmp_path / "follow.py").write_text(script.text)
    monkeypatch.setattr(sys, "argv", ["follow.py", of(server, quest_id)])
    runpy.run_path(str(tmp_path / "follow.py"))

    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == [
        "submitted",
        "step_succeeded",
        "step_succeeded",
        "completed",
        "ended",
    ]
    assert printed[-1] == "ended completed {'completed': 3, 'remaining': 0}"


@pytest.mark.usefixtures("quest_id")
def test_what_curl_asks_for_is_there(server: GatewayServer) -> None:
    commands = [block.text.replace("\\\n", "") for block in blocks(PAGE) if block.text.startswith("curl")]
    found = [_asked(server, shlex.split(command)) for command in commands]

    whole = ["submitted", "step_succeeded", "step_succeeded", "completed", "ended"]
    assert found == [whole, ["completed", "ended"], ["ended"]]


def _asked(server: GatewayServer, words: list[str]) -> list[str]:
    """Return what a command of curl is told."""
    address = urlsplit(next(word for word in words if word.startswith("http")))
    headers = dict(re.split(": ", words[n + 1], maxsplit=1) for n, word in enumerate(words) if word == "-H")
    headers.pop("Authorization", None)  # there is no key in this store
    with EventReader(f"{server.url}{address.path}", headers) as stream:
        return [told(event)[0] for event in stream.events()]
