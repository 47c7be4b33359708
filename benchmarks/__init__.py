"""How fast questline is, measured beside its peers: `python -m benchmarks` runs what docs/benchmarks.md shows."""
