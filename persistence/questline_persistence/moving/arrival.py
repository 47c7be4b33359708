"""A quest of a file as it is to be here: in another namespace, perhaps under another id, and at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from questline_persistence.controls import renamed
from questline_persistence.errors import PayloadError
from questline_persistence.ids import is_possible
from questline_persistence.journal import UNCLAIMED
from questline_persistence.moving.memory_rows import ENTRY_IDS, HEADS, KEY_OF, LESSONS, VERSIONS
from questline_persistence.moving.quest_file import FiledQuest
from questline_persistence.moving.quest_rows import TABLES, QuestRow, columns_of, in_clear
from questline_persistence.payload import CLEAR, Codec
from questline_persistence.schema import METADATA, quests, tickets
from questline_persistence.states import LIVE, ExecutionStatus, TicketState
from questline_persistence.writes import own_name

#: Why an imported quest is paused, where it was not paused before.
REASON = "imported"


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the rows of a quest are to be here.

    Parameters:
      file: the file that they come from, for people.
      quest_id: the quest's id there.
      new_id: its id here.
      namespace: the tenant here.
      codec: what opens payloads; they are sealed anew for their place here.
    """

    file: str
    quest_id: str
    new_id: str
    namespace: str
    codec: Codec = CLEAR
    _keys: set[tuple[str, str, str]] = field(default_factory=set, compare=False)

    def rows(self, filed: FiledQuest, *, at_rest: bool = True) -> Iterator[QuestRow]:
        """Yield the rows of the quest as they are to be here.

        Parameters:
          filed: the quest.
          at_rest: whether one that has not ended is paused, as it is to be; False leaves it as it was.

        Raises:
          PayloadError: the file holds what no export writes.
        """
        if not is_possible(self.quest_id):
            raise self._refused(quests.name, "names no quest")
        self._keys.clear()
        for number, row in enumerate(filed.rows()):
            if (number == 0) != (row.table == quests.name):
                raise self._refused(row.table, "stands where no export writes it")
            yield QuestRow(row.table, self._row(row, at_rest=at_rest))

    def _row(self, row: QuestRow, *, at_rest: bool) -> dict[str, Any]:
        if row.table not in TABLES and row.table not in KEY_OF and row.table != LESSONS.name:
            raise self._refused(row.table, "is no table of quests")
        table = METADATA.tables[row.table]
        given = QuestRow(row.table, self._checked(table, row.values))
        if row.table in TABLES and given.values["quest_id"] != self.quest_id:
            raise self._refused(row.table, "is of another quest")
        values = in_clear(self.codec, given).values
        if "namespace" in values:
            values["namespace"] = self.namespace
        if row.table not in TABLES:
            self._move_key(row.table, values)
        for name in ("quest_id", "owner"):
            if values.get(name) == self.quest_id:
                values[name] = self.new_id
        if row.table == quests.name and self.new_id != self.quest_id:
            values["idempotency_key"] = None
        if at_rest and row.table in _RESTS:
            _RESTS[row.table](values)
        return values

    def _checked(self, table: Table, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values of a row, each of which its column can hold."""
        known = {column.name: column for column in columns_of(table)}
        for name, value in values.items():
            column = known.get(name)
            if column is None:
                raise self._refused(table.name, f"has a column {name!r:.100} that this questline does not know")
            kind = column.type.python_type
            fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
            if not (fits or (value is None and column.nullable)):
                raise self._refused(table.name, f"holds in {name} what it cannot: {value!r:.100}")
        missing = [
            name for name, one in known.items() if name not in values and not (one.nullable or one.server_default)
        ]
        if missing:
            raise self._refused(table.name, f"lacks {missing[0]}")
        return dict(values)

    def _move_key(self, table: str, values: dict[str, Any]) -> None:
        """Give a row of what Lords remember the key and the id that it is to have here."""
        if table in KEY_OF:
            column = KEY_OF[table]
            place = (column, values["key_prefix"], values[column])
            if table in HEADS:
                if values["owner"] != self.quest_id:
                    raise self._refused(table, "is not the quest's own")
                self._keys.add(place)
            elif place not in self._keys:
                raise self._refused(table, "is not the quest's own")
            name, values[column] = values[column], self._own(values[column])
            if table in VERSIONS:
                kind = VERSIONS[table]
                values |= renamed(kind, {one: values[one] for one in kind.body}, name, values[column])
            if table in HEADS:
                values |= {one: self._own(values[one]) for one in KEY_OF.values() if values.get(one)}
        if self.new_id != self.quest_id and table in ENTRY_IDS:
            values[ENTRY_IDS[table]] = own_name(self.new_id, values[ENTRY_IDS[table]])

    def _own(self, name: str) -> str:
        """Return what a name of the quest's own is called here; any other name stays."""
        if name == self.quest_id:
            return self.new_id
        prefix = own_name(self.quest_id, "")
        return own_name(self.new_id, name.removeprefix(prefix)) if name.startswith(prefix) else name

    def _refused(self, table: str, what: str) -> PayloadError:
        message = f"{self.file} cannot be imported: a row of {table} of quest {self.quest_id:.300} {what}"
        return PayloadError(message, hint="upgrade questline, or export the quests again")


def _rest_quest(values: dict[str, Any]) -> None:
    """Have a quest that has not ended be paused."""
    if values["status"] in LIVE:
        paused = values["status"] == ExecutionStatus.PAUSED
        values |= {"status": ExecutionStatus.PAUSED.value, "reason": values.get("reason") if paused else REASON}


def _rest_ticket(values: dict[str, Any]) -> None:
    """Have a step that may run, runs or waits be held; who had claimed it has no claim here."""
    values |= {"state": TicketState.HELD.value, **UNCLAIMED, "pause_requested": 1, "fence": values["fence"] + 1}


_RESTS: dict[str, Callable[[dict[str, Any]], None]] = {quests.name: _rest_quest, tickets.name: _rest_ticket}
