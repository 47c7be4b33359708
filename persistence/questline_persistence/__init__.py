"""The store of questline: models, tables, migrations, the journal and the records."""
