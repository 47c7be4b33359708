"""What Lords remember: agents' states, events, contexts, to-do lists and lessons, to be read and searched."""

from questline_gateway.api.memory import contexts, events, memories, states, todos

ROUTERS = (states.router, events.router, contexts.router, todos.router, memories.router)

__all__ = ["ROUTERS"]
