"""What plain Dramatiq runs: `dramatiq questline_worker.main`, configured by the environment.

Each of its processes hosts the background loops too. Nothing here connects; Dramatiq may fork afterwards.
"""

from __future__ import annotations

import dramatiq

from questline_persistence.settings import load
from questline_worker.lords import import_lords
from questline_worker.process import WorkerProcess

settings = load()
import_lords(settings.lords)
process = WorkerProcess(settings)
broker = process.broker
dramatiq.set_broker(broker)
