"""One finding of `questline doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from questline.cli.exit_codes import ExitCode


class Verdict(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105  (no password)
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what mends it.

    `value` is what was found as a script wants it, where there is one thing to tell; `exit_code` is what `doctor`
    exits with if this is the first check that failed.
    """

    group: str
    name: str
    verdict: Verdict
    message: str
    hint: str | None = None
    value: Any = None
    exit_code: ExitCode = ExitCode.CONFIGURATION

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON."""
        return {
            "group": self.group,
            "name": self.name,
            "status": str(self.verdict),
            "message": self.message,
            "value": self.value,
            "hint": self.hint,
        }


def passed(group: str, name: str, message: str, value: Any = None) -> Check:
    """Return a check that found all well."""
    return Check(group, name, Verdict.PASS, message, value=value)


def warned(group: str, name: str, message: str, hint: str | None = None, value: Any = None) -> Check:
    """Return a check that found something to think about."""
    return Check(group, name, Verdict.WARN, message, hint, value)


def failed(
    group: str, name: str, message: str, hint: str | None = None, *, exit_code: ExitCode = ExitCode.CONFIGURATION
) -> Check:
    """Return a check that found what must be mended."""
    return Check(group, name, Verdict.FAIL, message, hint, exit_code=exit_code)
