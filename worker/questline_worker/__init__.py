"""Lords, the actor and its middleware, and worker processes."""

from questline_persistence.moved import find_moved

find_moved()
