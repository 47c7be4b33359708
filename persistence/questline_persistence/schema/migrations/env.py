"""Alembic's entry: migrate on the connection that `questline_persistence.schema.revisions` hands over."""

from __future__ import annotations

from alembic import context

from questline_persistence.schema.metadata import METADATA
from questline_persistence.schema.revisions import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
