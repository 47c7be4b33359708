"""What is written when things go wrong: claims freed, bells rung again, the register of who is alive.

It imports `journal` and what is below, and knows nothing of `controls`.
"""

from questline_persistence.recovery.bells import MAX_REDISPATCH, Bells, RungBell, TicketKey
from questline_persistence.recovery.counters import Counter, Counters
from questline_persistence.recovery.expired import Expired
from questline_persistence.recovery.register import Register
from questline_persistence.recovery.sweep import Sweep, Swept
from questline_persistence.recovery.worker_card import WorkerCard
from questline_persistence.recovery.worker_conditions import nobody_holds
from questline_persistence.recovery.worker_view import ClaimView, Holder, WorkerView

__all__ = [
    "MAX_REDISPATCH",
    "Bells",
    "ClaimView",
    "Counter",
    "Counters",
    "Expired",
    "Holder",
    "Register",
    "RungBell",
    "Sweep",
    "Swept",
    "TicketKey",
    "WorkerCard",
    "WorkerView",
    "nobody_holds",
]
