"""The tables of who may do what, and of who did it."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text, text

from questline_persistence.schema.metadata import METADATA, RowId

#: What people and programs did to quests, states and keys. Rows are added, and go only by age.
#:
#: A row is written by the transaction that does what it tells of. It outlives its quest.
audit = Table(
    "audit",
    METADATA,
    Column("audit_id", RowId, primary_key=True, autoincrement=True),
    Column("namespace", Text, nullable=False),
    #: When, by the database's clock, in RFC 3339.
    Column("at", Text, nullable=False),
    #: Who did it, by a name: a person's at a machine, or an API key's.
    Column("actor", Text, nullable=False),
    #: What was done, as the command line calls it.
    Column("verb", Text, nullable=False),
    #: The quest that it was done to; NULL where it was done to something else.
    Column("quest_id", Text),
    #: What it was done to, where that is no quest, or what came of it: an agent, a key, a fork's id.
    Column("subject", Text),
    #: Why, in the words of who did it.
    Column("reason", Text),
    #: The way by which it came: Python, the command line, HTTP or the dashboard.
    Column("door", Text, nullable=False),
    #: The network address that it came from.
    Column("address", Text),
    #: What one request, or one command, has in common.
    Column("request_id", Text),
    #: What came of it, as a JSON object.
    Column("outcome", Text, nullable=False),
    Index("ix_audit_newest", "namespace", "at", "audit_id"),
    Index("ix_audit_actor", "namespace", "actor", "at", "audit_id"),
    Index("ix_audit_verb", "namespace", "verb", "at", "audit_id"),
    Index(
        "ix_audit_quest_id",
        "quest_id",
        "at",
        "audit_id",
        sqlite_where=text("quest_id IS NOT NULL"),
        postgresql_where=text("quest_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

#: The keys of programs and people who come by HTTP. The secret of a key is not among them.
api_keys = Table(
    "api_keys",
    METADATA,
    #: The part of a key that names it, and is no secret.
    Column("key_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    #: SHA-256 of the secret part, in hexadecimal digits.
    Column("secret_hash", Text, nullable=False),
    #: What the key may do: scopes, separated by blanks.
    Column("scopes", Text, nullable=False),
    #: 1 where it may see inputs, outputs and what else people put in; 0 where they are hidden from it.
    Column("payloads", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    #: From when on it is refused; NULL: never.
    Column("expires_time", Double),
    #: When it was last seen, give or take a minute.
    Column("last_used_time", Double),
    #: When it was revoked; from then on it is refused.
    Column("revoked_time", Double),
    #: The key in whose place it came.
    Column("rotated_from", Text),
    Index("ix_api_keys_newest", "namespace", "created_at", "key_id"),
)
