"""Workers need real threads; libraries that patch them away must not make a worker that is alive and does nothing."""

from __future__ import annotations

import _thread
import select
import socket
import time

from questline_persistence.errors import ConfigurationError

#: The libraries that put their own in place of Python's threads and waiting.
_LIBRARIES = frozenset({"gevent", "eventlet"})


class Patched(ConfigurationError):
    """A library (gevent or eventlet) has patched Python's threads, sockets or waiting; with it, a worker would hang.

    What to do:
      Do not call the library's monkey patch in modules that a worker imports. Write Lords that wait `async def`:
      they wait on an event loop, without a thread.
    """

    code = "import"  # it is an import that does it, so the command line exits as for one that fails


def refuse_green_threads() -> None:
    """Check that what workers stand on is Python's own.

    Raises:
      Patched: gevent or eventlet has put something else in its place.
    """
    for thing in (_thread.start_new_thread, _thread.allocate_lock, time.sleep, socket.socket, select.select):
        library = (getattr(thing, "__module__", None) or "").partition(".")[0]
        if library in _LIBRARIES:
            raise Patched(
                f"{library} has patched Python's threads and sockets; with them, a worker would hang",
                hint=f"do not call {library}'s monkey patch in modules that a worker imports; "
                "sync Lords run on threads anyway, async ones on an event loop",
            )
