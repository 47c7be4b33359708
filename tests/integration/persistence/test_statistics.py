"""Statistics cost the same in a young store and in an old one: what is counted and measured has a bound."""

from collections.abc import Callable

import pytest

from questline_persistence.records import QuestRepository, backlog, statistics
from questline_persistence.schema.metadata import METADATA
from questline_scheduler.monitoring import Gauges
from tests.integration.persistence.conftest import Stores
from tests.integration.persistence.test_flat_cost import OLD, YOUNG, effort, rows, ways


def _gauges(repository: QuestRepository) -> object:
    """Return what metrics tell of the store."""
    return Gauges(repository.database, repository.namespace).read()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("ask", [QuestRepository.get_quest_stats, QuestRepository.get_lord_stats, _gauges])
def test_statistics_read_a_bounded_number_of_rows(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, ask: Callable[[QuestRepository], object], dialect: str
) -> None:
    for bound in ("MAX_COUNTED", "MAX_TIMED", "MAX_ATTEMPTS"):
        monkeypatch.setattr(statistics, bound, 200)
    monkeypatch.setattr(backlog, "MAX_LOOKED", 20)
    found = []
    for ended in (YOUNG, OLD):
        bench, observer = stores.observed(dialect, "fresh", "for these values", ended)
        with observer.looking() as looks:
            assert ask(bench.repository)
        found.append(looks)
    young, old = found

    told = "\n".join(["", *map(str, young), "in the old store:", *map(str, old)])
    assert old
    assert not ways(old) & {f"every row of {table}" for table in METADATA.tables}, told
    assert rows(old) <= 1.5 * rows(young) + 10, told
    assert effort(old) <= 1.5 * effort(young) + 10, told
