"""The reference of the HTTP API: its operations in a table, from its own description."""

from __future__ import annotations

from api_description import described
from tables import table


def operations_part() -> str:
    """Return the table of all operations."""
    rows = [
        (f"`{method.upper()} {path}`", told["description"].split("\n")[0])
        for path, methods in described()["paths"].items()
        for method, told in methods.items()
    ]
    return table(("operation", "what it does"), rows)
