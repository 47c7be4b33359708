"""The middleware of worker processes: what makes steps durable, and keeps the process known to be alive.

It imports `steps`, `lords` and what is below.
"""

from questline_worker.middleware.background_loops import BackgroundLoops
from questline_worker.middleware.checkpoints import Checkpoints
from questline_worker.middleware.lease import Lease
from questline_worker.middleware.ledger import Ledger
from questline_worker.middleware.patience import Patience
from questline_worker.middleware.standby import Standby
from questline_worker.middleware.step_logs import StepLogs
from questline_worker.middleware.watchdog import Watchdog

__all__ = ["BackgroundLoops", "Checkpoints", "Lease", "Ledger", "Patience", "Standby", "StepLogs", "Watchdog"]
