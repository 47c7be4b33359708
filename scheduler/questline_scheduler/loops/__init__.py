"""The background loops: ring again for what nobody picked up, free what is lost, wake what is due.

They import `doorbells` and persistence.
"""

from questline_scheduler.loops.loops import Loop, Loops
from questline_scheduler.loops.services import make_loops, make_sweeper
from questline_scheduler.loops.shortlist import Shortlist
from questline_scheduler.loops.sweeper import Sweeper

__all__ = ["Loop", "Loops", "Shortlist", "Sweeper", "make_loops", "make_sweeper"]
