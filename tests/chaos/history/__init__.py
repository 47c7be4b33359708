"""What happened in a soak, from three independent witnesses: the database's audit, the effect ledger, the admin."""
