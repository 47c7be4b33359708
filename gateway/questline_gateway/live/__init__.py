"""Live events: what happens to a quest, and which quests of a namespace have changed, told as it happens.

SQL is asked by one reader for all who listen; what it sees goes to each of them through a queue of their own.
"""

from questline_gateway.live.routes import router
from questline_gateway.live.streams import Streams
from questline_gateway.live.waking import Waking

__all__ = ["Streams", "Waking", "router"]
