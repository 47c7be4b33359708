"""Alembic's entry: migrate on the connection that `questline_persistence.schema.revisions` hands over."""

from __future__ import annotations

from functools import partial

from alembic import context

from questline_persistence.schema.metadata import METADATA
from questline_persistence.schema.migration_notes import note_migration
from questline_persistence.schema.revisions import VERSION_TABLE

connection = context.config.attributes["connection"]
now = context.config.attributes["now"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=False,
    on_version_apply=partial(note_migration, now=now),
)
context.run_migrations()
