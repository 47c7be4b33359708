"""The contract of the store: every test runs once on SQLite and once on PostgreSQL."""
