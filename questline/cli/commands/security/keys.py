"""`questline keys`: the keys of programs and people who come by HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from questline.cli import options, times
from questline.cli.bulk import confirm
from questline.cli.command import command, new_app
from questline.cli.display import Output, formatting, output
from questline.cli.exit_codes import ExitCode
from questline.cli.invocation import Invocation

if TYPE_CHECKING:
    from rich.console import RenderableType

    from questline_persistence.keys import ApiKey, NewKey

_KeyId = Annotated[
    str, typer.Argument(help="The key's id, as keys list shows it.", metavar="KEY_ID", show_default=False)
]
_EMPTY = "There is no key yet. Make one: questline keys create NAME --scope read"


def register(app: typer.Typer, panel: str) -> None:
    """Add the group to `app`."""
    group = new_app("Make, list, rotate and revoke the keys of programs and people who come by HTTP.")
    create_example = "questline keys create dashboards\nquestline keys create ci --scope submit --expires-in 90d"
    command(group, "create", example=create_example)(create)
    command(group, "list", example="questline keys list")(list_keys)
    command(group, "rotate", example="questline keys rotate 1f0c22ab93de --grace 24h")(rotate)
    command(group, "revoke", example='questline keys revoke 1f0c22ab93de --reason "left the team"')(revoke)
    command(group, "rotate-payloads", example="questline keys rotate-payloads")(rotate_payloads)
    app.add_typer(group, name="keys", rich_help_panel=panel)


def create(
    invocation: Invocation,
    name: Annotated[
        str,
        typer.Argument(help="What to call it; the audit tells it as the actor.", metavar="NAME", show_default=False),
    ],
    *,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it may do: read, submit, control (pause, retry, replay, …), or admin, which is all of it; "
            "repeatable. Default: read.",
            metavar="SCOPE",
            show_default=False,
        ),
    ] = None,
    payloads: Annotated[
        bool,
        typer.Option("--payloads", help="Let it see inputs, outputs and what else people put in.", show_default=False),
    ] = False,
    expires_in: Annotated[
        str | None,
        typer.Option(help="How long it is valid, such as 90d. Default: until it is revoked.", metavar="AGE"),
    ] = None,
) -> None:
    """Make a key for this namespace. It is shown this once, on stdout; the store has only its hash.

    Programs send it as the header Authorization: Bearer KEY.
    """
    length = None if expires_in is None else times.read_length(expires_in)
    _show(invocation, invocation.keys.create(name, scopes or ["read"], payloads=payloads, expires_in=length))


def list_keys(invocation: Invocation) -> None:
    """List the keys of this namespace, newest first, those that are revoked or expired included."""
    found, now = invocation.keys.list(), invocation.now()
    invocation.answer_items([key.to_json(now) for key in found], lambda: _table(found, now), empty=_EMPTY)


def rotate(
    invocation: Invocation,
    key_id: _KeyId,
    *,
    grace: Annotated[
        str, typer.Option(help="How long the old key is valid still: 30s, 24h. 0s ends it at once.", metavar="AGE")
    ] = "24h",
    reason: options.Reason = None,
) -> None:
    """Make a key in the place of another, which may do the same; the old one is valid for a while.

    The new one is valid for as long as the old one was when it was made. It is shown this once, on stdout.
    """
    made = invocation.keys.rotate(key_id, grace=times.read_length(grace), reason=reason)
    _show(invocation, made)


def rotate_payloads(invocation: Invocation) -> None:
    """Encrypt all payloads of the store with the first key of QUESTLINE_PAYLOAD_KEYS, those of every namespace.

    What stands in clear is encrypted, and what another of the keys has encrypted, which is no longer needed then.
    Workers and clients go on meanwhile; give all of them the new key first. Stop it at any time, and begin again.
    """
    from questline_persistence.keys import PayloadRotation  # noqa: PLC0415  (150 ms that --help does not need)

    found = []
    for table in PayloadRotation(invocation.store).run():
        found.append(table)
        if table.sealed and invocation.output is Output.TEXT:
            output.note(f"{table.table}: {table.sealed:,}")
    left = [table for table in found if table.left]
    rows = [[table.table, f"{table.sealed:,}", f"{table.left:,}", table.why or ""] for table in found]
    invocation.answer_items(
        [table.to_json() for table in found],
        lambda: formatting.table("Table", "Encrypted", "Left", "Why", rows=rows),
        empty="There is no payload.",
    )
    if left:
        raise typer.Exit(ExitCode.CONFIGURATION)


def revoke(invocation: Invocation, key_id: _KeyId, *, reason: options.Reason = None, yes: options.Yes = False) -> None:
    """Have a key refused from now on. Gateways that have just seen it may accept it for a few seconds more."""
    confirm(f"Revoke key {key_id}?", yes=yes, hint="add --yes")
    revoked = invocation.keys.revoke(key_id, reason=reason)
    now = invocation.now()
    invocation.answer(revoked.to_json(now), lambda: _table([revoked], now))


def _show(invocation: Invocation, made: NewKey) -> None:
    """Print a new key: alone on stdout, so that a script can take it."""
    if invocation.output is Output.TEXT:
        output.write(made.secret)
        told = "may" if made.key.payloads else "may not"
        scopes = ", ".join(made.key.to_json(invocation.now())["scopes"])
        output.note(f"Keep it now: nobody can show it again. It may {scopes}, and {told} see payloads.")
    else:
        output.write_json(made.to_json(invocation.now()), invocation.output)


def _table(keys: Sequence[ApiKey], now: float) -> RenderableType:
    rows = [
        [
            key.key_id,
            key.name,
            formatting.word(key.state(now)),
            " ".join(key.to_json(now)["scopes"]),
            "seen" if key.payloads else "hidden",
            times.since(key.created_at, now),
            "never" if key.expires_time is None else times.ago(key.expires_time, now),
            "never" if key.last_used_time is None else times.ago(key.last_used_time, now),
        ]
        for key in keys
    ]
    columns = ("ID", "Name", "State", "May", "Payloads", "Made", "Expires", "Used")
    return formatting.table(*columns, rows=rows, spare=("Made", "Payloads", "Used", "Expires"))
