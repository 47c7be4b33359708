"""Who does something, and by which way they came: given to whoever changes things when that is made."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from questline_persistence.arguments import text, text_or_none
from questline_persistence.errors import PayloadError

#: Longest name, address or request id of an actor, in characters.
MAX_ACTOR = 200


class Door(StrEnum):
    """The ways by which people and programs come."""

    PYTHON = "python"
    CLI = "cli"
    HTTP = "http"
    DASHBOARD = "dashboard"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as the audit tells it.

    Parameters:
      name: a person's name at a machine, a program's, or an API key's.
      door: "python", "cli", "http" or "dashboard".
      address: the network address that they came from, or None.
      request_id: what all that one request or one command does has in common, or None.

    Raises:
      PayloadError: one of them is no text of one printable line, or longer than 200 characters.

    Example:
      client = QuestClient(actor=Actor("deploy-bot", "python"))
    """

    name: str
    door: Door | str = Door.PYTHON
    address: str | None = None
    request_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "door", _door(self.door))
        _refuse_odd(text(self.name, "an actor's name"), "an actor's name", least=1)
        for name in ("address", "request_id"):
            _refuse_odd(text_or_none(getattr(self, name), f"an actor's {name}") or "", f"an actor's {name}")

    @classmethod
    def of_process(cls, name: str = "", *, door: Door = Door.PYTHON, request_id: str | None = None) -> Self:
        """Return who runs this process.

        Parameters:
          name: what they are to be called; "" means the user and host that the operating system knows.
          door: the way by which they come.
          request_id: what all that this process does has in common, or None.
        """
        return cls(name or f"{_user()}@{socket.gethostname()}"[:MAX_ACTOR], door, request_id=request_id)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return "unknown"


def _door(given: str) -> Door:
    try:
        return Door(given)
    except ValueError:
        known = ", ".join(Door)
        raise PayloadError(f"{given!r:.100} is no door", hint=f"give one of: {known}") from None


def _refuse_odd(value: str, what: str, *, least: int = 0) -> None:
    """Raise PayloadError for text that would break a line of a log, or be too long for one."""
    if not least <= len(value) <= MAX_ACTOR:
        raise PayloadError(f"{what} has {least} to {MAX_ACTOR} characters, not {len(value):,}")
    if not value.isprintable():
        raise PayloadError(f"{what} holds characters that are not printable: {value!r:.100}")
