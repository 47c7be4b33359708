"""The client's verbs, the doorbells, and the loops that ring again and free lost work."""
