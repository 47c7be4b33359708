"""How fast questline is, beside its peers: `python -m benchmarks` runs what docs/project/benchmarks.md shows."""
