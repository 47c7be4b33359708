"""The peers' scripts. Each runs in .venv-peers, where questline is not, and prints what it found as JSON."""
