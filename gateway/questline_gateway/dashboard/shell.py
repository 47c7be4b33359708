"""What was done or is looked at on a page, written for a shell, for Python and for curl."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from questline_gateway.dashboard.visit import Visit


class Written(NamedTuple):
    """The same thing in one of the languages: its name, and the text to copy."""

    language: str
    text: str


def showing(visit: Visit, quest_id: str) -> list[Written]:
    """Return how a quest is looked at."""
    address = f"{visit.request.url.scheme}://{visit.request.url.netloc}{visit.url('api', 'v1', 'quests', quest_id)}"
    python = f"from questline import QuestClient\n\nwith QuestClient() as client:\n    quest = client.get({quest_id!r})"
    return [
        Written("Command", shlex.join(["questline", "show", quest_id])),
        Written("Python", python),
        Written("curl", shlex.join(["curl", address])),
    ]


def command(
    verb: str, quest_id: str, *, start: str = "", changes: Mapping[str, Any] | None = None, **options: str
) -> str:
    """Return the command that does what a form does.

    Parameters:
      verb: the verb.
      quest_id: the quest.
      start: where a replay or a fork starts, or "".
      changes: what it corrects, by path.
      options: further options and their values; empty ones are left out.
    """
    lines = [["questline", verb, quest_id]]
    if start:
        lines.append(["--from", start])
    for path, value in (changes or {}).items():
        lines.append(["--set", f"{path}={json.dumps(value, ensure_ascii=False)}"])
    lines += [[f"--{name.strip('_')}", value] for name, value in options.items() if value]
    return " \\\n  ".join(shlex.join(line) for line in lines)


def submission(quest_type: str, modules: Sequence[str]) -> str:
    """Return the command that submits a quest without input.

    Parameters:
      quest_type: its type.
      modules: those that register the type.
    """
    imports = [word for module in modules for word in ("-m", module)]
    return shlex.join(["questline", "submit", *imports, "--type", quest_type, "--wait"])
