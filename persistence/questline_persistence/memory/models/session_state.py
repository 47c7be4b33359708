"""The state of a session, at one version."""

from __future__ import annotations

from typing import Any

from questline_persistence.memory.models.fields import KeyText
from questline_persistence.models import Record

#: What to give where a state can be none.
STATE_HINT = 'give an object such as {"mission": "…", "status": "pending"}'


class SessionState(Record):
    """What was saved of a session last, and which version that is.

    Parameters:
      session_id: the session.
      state_data: what was saved, a JSON object.
      version: counts the saves of the session; it is what `expected_version` is compared with. None until it is saved.
      timestamp: when it was saved.

    Raises:
      PayloadError: a field is unknown, missing or wrong.
    """

    session_id: KeyText
    state_data: dict[str, Any]
    version: int | None = None
    timestamp: str | None = None
