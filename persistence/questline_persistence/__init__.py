"""The store of questline: models, tables, migrations, the journal and the records."""

from questline_persistence.moved import find_moved

find_moved()
