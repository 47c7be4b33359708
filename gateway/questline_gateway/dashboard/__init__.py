"""The dashboard: pages made on the server from what `records` reads, the same objects as on the command line.

Reading needs no script. It holds no statement of its own, and no verb that the client lacks.
"""

from questline_gateway.dashboard.routes import dashboard_routes

__all__ = ["dashboard_routes"]
