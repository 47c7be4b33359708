"""What Lords remember: agent states and events, workflow contexts, session states and todo lists, lessons, runs.

Every class here is a door to one shape of the same store: `kept` writes and reads rows of any kind, `step` holds back
what a running step writes. It imports records and all that stands below them.
"""

from questline_persistence.memory.kept import Kept

__all__ = ["Kept"]
