"""What plain Dramatiq runs: `dramatiq questline_worker.main`, configured by the environment.

Each of its processes hosts the background loops too. Nothing here connects; Dramatiq may fork afterwards.
"""

from __future__ import annotations

from questline_worker.own_imports import keep_own_imports

keep_own_imports()  # Dramatiq puts the working directory first, and from here on modules are imported

from contextlib import chdir  # noqa: E402
from pathlib import Path  # noqa: E402

import dramatiq  # noqa: E402

from questline_persistence.log import enable_loggers  # noqa: E402
from questline_persistence.settings import load  # noqa: E402
from questline_persistence.store import decide_library  # noqa: E402
from questline_worker.forks import keep_signals_here  # noqa: E402
from questline_worker.green_threads import refuse_green_threads  # noqa: E402
from questline_worker.lords import import_lords  # noqa: E402
from questline_worker.process import WorkerProcess  # noqa: E402

settings = load()
decide_library(settings.database_url)
folder = Path.cwd()
import_lords(settings.lords)
refuse_green_threads()
enable_loggers()
keep_signals_here()
with chdir(folder):  # a module may have left it; the store's path does not go with it
    process = WorkerProcess(settings)
broker = process.broker
dramatiq.set_broker(broker)
