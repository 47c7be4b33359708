"""The guards of the model's saves are those of the code's statements: one less on either side turns these tests red."""

import re

import pytest

from questline_persistence.dialects import memory_statements as statements
from questline_persistence.dialects.memory_statements import Shape
from questline_persistence.dialects.postgres import memory as postgres
from questline_persistence.kinds import AGENT_STATES, VERSIONED, Versioned
from questline_persistence.memory import kept as of_kept
from questline_persistence.memory.kept import Kept
from questline_persistence.store import Database, Tries
from questline_persistence.writes import Saves
from tests.model.memory import saves
from tests.model.statements import conditions, sent

#: What becomes of a payload, and what there must be for it besides the head.
SHAPES = {
    Shape.OWN: set[str](),
    Shape.POINTING: {"purged_to < ?"},
    Shape.SAME: set[str](),
    Shape.DELETED: set[str](),
    Shape.EMPTY: set[str](),
}
KINDS = pytest.mark.parametrize("kind", VERSIONED, ids=lambda kind: kind.name)


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database, "here")


def save(kept: Kept) -> Saves:
    body = {"state_data": "{}", "metadata": "{}"}
    return Saves(AGENT_STATES, kept.key("planner"), columns={"name": "", "status": "idle"}, body=body)


def key(kind: Versioned) -> set[str]:
    return {"namespace = ?", "key_prefix = ?", f"{kind.key} = ?"}


def first(kind: Versioned) -> str:
    return statements.head_insert(kind, statements.Given(), "max")


def again(kind: Versioned, shape: Shape = Shape.OWN) -> str:
    return statements.head_update(kind, statements.Given(), shape, "max")


def test_the_guards_of_saves_are_these() -> None:
    assert set(saves.Saves.guards) == {"save.version", "save.counted", "save.write_id", "purge.version"}


@KINDS
@pytest.mark.parametrize("shape", SHAPES)
def test_a_save_asks_for_the_version_that_it_expects(kind: Versioned, shape: Shape) -> None:
    assert conditions(again(kind, shape), "h") == key(kind) | {"version = ?"} | SHAPES[shape]


@KINDS
def test_a_first_save_asks_so_too_if_somebody_else_was_faster(kind: Versioned) -> None:
    assert conditions(first(kind), "h") == {"version = ?"}


@KINDS
def test_of_several_saves_each_asks_for_the_version_that_it_expects(kind: Versioned) -> None:
    heads = statements.heads_insert(kind, statements.Given(), "greatest")
    made, _, moved = heads.partition(" ON CONFLICT ")
    assert "version = ?" in conditions(moved, "h")
    assert "coalesce(:expected, 0) = 0 OR EXISTS" in made, "only a save that expects none makes a head"
    assert made.endswith(" ORDER BY given.number"), "heads are locked in the order given"
    text = postgres._save_all(kind, statements.Given())
    assert postgres._placed(f"head AS ({postgres._own(heads, kind)})") in text


@KINDS
def test_on_postgresql_the_version_is_added_by_the_statement_that_asks(kind: Versioned) -> None:
    for head in (first(kind), again(kind)):
        text = postgres._save(kind, head, None)
        assert postgres._placed(f"WITH head AS ({head}), kept AS (") in text
        assert text.endswith(" FROM head")


@KINDS
def test_a_version_has_the_number_that_its_locked_head_has_come_to(kind: Versioned) -> None:
    for head in (first(kind), *(again(kind, shape) for shape in SHAPES)):
        assert re.findall(r" SET version = (.+?), ", head) == ["h.version + 1"]
        assert " RETURNING version, " in head
    added = re.fullmatch(r"INSERT INTO \w+ \((.+?)\) SELECT (.+) FROM head", statements.version_insert(kind, "head"))
    assert added is not None
    values = re.split(r", (?![^(]*\))", added[2])  # the commas of functions part no columns
    assert dict(zip(added[1].split(", "), values, strict=True))["version"] == "head.version"


def test_a_save_that_is_sent_again_looks_first_for_what_it_has_written(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = save(kept)
    made = kept.save(write)
    monkeypatch.setattr(of_kept, "Tries", lambda: Tries(again=True))
    with sent(kept.database) as found:
        assert kept.save(write) == made
        assert kept.write([write]) == [made]

    looks = [text for text, _ in found if "write_id" in text]
    assert len(looks) == 2
    for text in looks:
        assert text.startswith("SELECT")
        assert conditions(text, "agent_states") >= key(AGENT_STATES)
        assert conditions(text, "agent_state_versions") >= {"write_id = ?", "version > ?"}
    assert not any(text.startswith(("INSERT", "UPDATE")) for text, _ in found)


@KINDS
def test_a_purge_counts_on_before_it_removes_anything(kept: Kept, kind: Versioned) -> None:
    kept.save(save(kept))
    with sent(kept.database) as found:
        kept.purge(kind, "planner")

    changes = [text for text, _ in found if text.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert key(kind) <= conditions(changes[0], kind.heads)
    for column in ("version", "purged_to"):
        assert re.search(rf"\b{column}=\({kind.heads}\.version \+ \S+\)", changes[0])
    assert changes[0].startswith(f"UPDATE {kind.heads} SET ")
    assert not any(re.match(rf"DELETE FROM {kind.heads}\b", text) for text in changes)


def test_a_guard_that_is_removed_is_noticed() -> None:
    blind = again(AGENT_STATES).replace("h.version = :expected", "TRUE")
    assert conditions(blind, "h") == key(AGENT_STATES)
