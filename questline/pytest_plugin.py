"""The plug-in for pytest: fixtures for testing Lords, in every suite where questline is installed.

It does nothing to tests that ask for none of them, and imports nothing of questline before one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from questline import QuestRepository
    from questline.testing import StagedExecutor


@pytest.fixture
def questline_registry() -> Iterator[None]:
    """Lords and quest types that the test registers are gone behind it."""
    from questline.testing import own_registrations  # noqa: PLC0415  (as the module's docstring says)

    with own_registrations():
        yield


@pytest.fixture
def questline_store() -> Iterator[QuestRepository]:
    """A `QuestRepository` in memory; `StateStore(questline_store.database)` opens what Lords remember in it."""
    from questline import QuestRepository  # noqa: PLC0415  (as above)

    with QuestRepository(":memory:") as store:
        yield store


@pytest.fixture
def questline_executor(questline_store: QuestRepository, questline_registry: None) -> Iterator[StagedExecutor]:  # noqa: ARG001  (it is asked for, and has no value)
    """A `StagedExecutor` on `questline_store`: its clock jumps, and it can be made to crash."""
    from questline.testing import StagedExecutor  # noqa: PLC0415  (as above)

    with StagedExecutor(repository=questline_store) as executor:
        yield executor
