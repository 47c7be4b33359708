"""Batches: one verb over many quests, previewed, made, looked at, aborted."""

from questline_gateway.api.batches import routes

ROUTERS = (routes.steering, routes.reading)

__all__ = ["ROUTERS"]
