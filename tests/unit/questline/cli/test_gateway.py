"""`questline gateway` before it serves: what is missing, and who would be let in."""

import pytest

from questline.cli import http
from tests.unit.questline.cli.conftest import CommandLine


def test_without_the_extra_it_says_how_to_get_it(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "is_installed", lambda: False)

    answer = cli("gateway")

    assert answer.code == 7
    assert "pip install 'questline[gateway]'" in answer.err


def test_everybody_is_let_in_only_if_that_is_said(cli: CommandLine) -> None:
    answer = cli("gateway", "--host", "0.0.0.0", "--port", 0)  # noqa: S104  (it is refused)

    assert answer.code == 7
    assert "--insecure" in answer.err
