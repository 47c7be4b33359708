"""The contexts of workflows, version by version.

It imports what is kept and the models.
"""

from questline_persistence.memory.contexts.context_persistence import ContextPersistence
from questline_persistence.memory.contexts.contexts import Contexts

__all__ = ["ContextPersistence", "Contexts"]
