"""A new quest: a form for its type, its input and what else is to be said, and what came of it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from starlette.responses import Response

from questline_gateway.dashboard.edited import read_json
from questline_gateway.dashboard.visit import Visit
from questline_persistence.errors import PayloadError, QuestConflict, QuestlineError
from questline_persistence.ids import new_claim_id
from questline_scheduler.quest_types import known_types, told_of

#: What the field for the input holds at first.
NO_INPUT = "{}"


def submit(visit: Visit) -> Response:
    """Return the form of a new quest; or submit what was sent, and send on to the quest."""
    error: QuestlineError | None = None
    if visit.posted:
        try:
            quest = _quest(visit)
            handle = visit.here.client.submit(quest, idempotency_key=_key(visit, quest))
            return visit.go(visit.url("quests", handle.quest_id))
        except (PayloadError, QuestConflict) as caught:
            error = caught
    types = [(name, told_of(name)) for name in known_types()]
    return visit.page(
        "submit.html",
        status=200 if error is None else 400,
        types=types,
        quest_type=visit.sent("type", types[0][0] if types else ""),
        given={name: visit.sent(name) for name in ("steps", "labels", "queue")},
        input=visit.sent("input", NO_INPUT),
        token=visit.sent("token") or new_claim_id(),
        error=error,
    )


def _quest(visit: Visit) -> dict[str, Any]:
    """Return the quest that a form describes, as a quest file does.

    Raises:
      PayloadError: one of its fields cannot be read.
    """
    labels = dict(_label(line) for line in _lines(visit, "labels"))
    stated = {
        "execution_stack": _lines(visit, "steps"),
        "labels": labels,
        "queue": visit.sent("queue").strip(),
    }
    return {
        "quest_type": visit.sent("type").strip(),
        "input_data": read_json(visit.sent("input").strip() or NO_INPUT, "the input"),
        **{name: value for name, value in stated.items() if value},
    }


def _lines(visit: Visit, name: str) -> list[str]:
    """Return the lines of a field that hold anything."""
    return [line.strip() for line in visit.sent(name).splitlines() if line.strip()]


def _label(line: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals:
        raise PayloadError(f"{line!r:.100} is no label", hint="write one KEY=VALUE a line")
    return key.strip(), value.strip()


def _key(visit: Visit, quest: dict[str, Any]) -> str:
    """Return what makes a form that is sent twice one quest, and one that was changed meanwhile another."""
    said = json.dumps(quest, sort_keys=True).encode(errors="surrogatepass")
    return f"form-{visit.sent('token')[:64]}-{hashlib.sha256(said).hexdigest()[:16]}"
