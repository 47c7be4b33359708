"""The client's verbs, the doorbells, and the loops that ring again and free lost work."""

from questline_persistence.moved import find_moved

find_moved()
