"""`questline config show`: every setting, its value, and where that comes from."""

from __future__ import annotations

import re
from typing import Any

import typer

from questline.cli.command import command, new_app
from questline.cli.display import formatting
from questline.cli.invocation import Invocation

_PASSWORD = re.compile(r"((?:^(?![\w+]+://)|://)[^:/@]*:)(.*)(@)")
_PASSWORD_OPTION = re.compile(r"(?i)((?:password|secret|token)=)[^&]*")


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Look at the settings.")
    command(group, "show", example="questline config show -o json")(show)
    app.add_typer(group, name="config", rich_help_panel=panel)


def show(invocation: Invocation) -> None:
    """Show every setting with its value, and where the value comes from. It masks secrets.

    A flag comes first, then the environment, then .env, then the profile, then questline.toml, then [tool.questline] of
    pyproject.toml, then the default.
    """
    found = shown_settings(invocation)
    rows = [(row["variable"], row["value"], row["origin"], row["description"]) for row in found]
    invocation.answer_items(
        found,
        lambda: formatting.table("Variable", "Value", "From", "Meaning", rows=rows, spare=("Meaning", "From")),
        empty="There is no setting.",
    )


def shown_settings(invocation: Invocation) -> list[dict[str, Any]]:
    """Return every setting with its value, passwords masked, and where that comes from."""
    from questline_persistence import settings  # noqa: PLC0415  (150 ms that --help does not need)

    chosen = invocation.settings
    origins = settings.origins(**invocation.flags.given())
    return [
        {
            "name": name,
            "variable": f"QUESTLINE_{name.upper()}",
            "value": _told(settings.shown(getattr(chosen, name)), secret=not field.repr),
            "origin": origins[name],
            "description": field.description,
        }
        for name, field in settings.Settings.model_fields.items()
    ]


def _told(value: str, *, secret: bool) -> str:
    """Return a value as anybody may see it."""
    return "***" if secret and value else masked(value)


def masked(url: str) -> str:
    """Return a URL, or any other value, without the passwords in it."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1***\3", url))
