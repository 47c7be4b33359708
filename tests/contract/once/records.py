"""Records of calls, as tests make them."""

from typing import Any

from questline_persistence.claims import Claim, OnceRecord


def record(claim: Claim, name: str = "call", result: str = '"done"', **changed: Any) -> OnceRecord:
    """Return what a call came to."""
    values = {"ordinal": 0, "overlapped": False, "start_time": claim.start_time, "end_time": claim.start_time + 1}
    return OnceRecord(claim, name, result=result, **{**values, **changed})
