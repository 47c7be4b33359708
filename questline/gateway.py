"""The gateway, for ASGI applications that mount it: HTTP and the dashboard under a path of theirs.

It needs the extra `questline[gateway]`. `questline` itself does not import it.
"""

from questline_gateway.app import create_app

__all__ = ["create_app"]
