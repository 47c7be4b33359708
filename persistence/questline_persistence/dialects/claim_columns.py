"""The columns that a claim's statement returns: one for each field of `CLAIMED`, in its order."""

from __future__ import annotations

from questline_persistence.claims import CLAIMED

#: Of which table each field is, where the ticket is t, its step s and its quest q; and its column, if not called so.
_TABLES = {
    "t": ("attempt", "claim_id", "quest_id", "epoch", "position", "lost", "company", "version", "queue", "fence"),
    "s": (
        "lord_name",
        "tool_name",
        "occurrence",
        "params_json",
        "max_attempts",
        "timeout_seconds",
        "backoff_seconds",
    ),
    "q": ("quest_type", "input_json"),
}
_COLUMNS = {"attempt": "attempt + 1", "params_json": "params", "input_json": "input_data"}


def claim_columns(*tables: str) -> str:
    """Return the columns of these tables as a statement lists them."""
    found = {name: table for table in tables for name in _TABLES[table]}
    return ", ".join(f"{found[name]}.{_COLUMNS.get(name, name)}" for name in CLAIMED if name in found)
