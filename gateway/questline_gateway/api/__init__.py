"""The HTTP API: one file for each noun, and in each of its routers the scope that a caller needs.

Routes call the clients and the records that the command line calls, and answer with the same objects.
"""

from questline_gateway.api.preferences import Waiting
from questline_gateway.api.routes import ROUTERS
from questline_gateway.api.shapes import schemas
from questline_gateway.api.tenancy import Here, QuestId, tenant_of

__all__ = ["ROUTERS", "Here", "QuestId", "Waiting", "schemas", "tenant_of"]
