"""Nothing above the dialects asks which database it has: what differs stands in `Dialect` and `Access`."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from questline_persistence import dialects
from questline_persistence.dialects import columns

ROOT = Path(dialects.__file__).parents[3]
FLOORS = ("questline", "gateway/questline_gateway", "worker/questline_worker", "scheduler/questline_scheduler")
PERSISTENCE = "persistence/questline_persistence"
NAMES = {"sqlite", "postgres", "postgresql"}
#: What may name a database, and why.
MAY_NAME = {
    f"{PERSISTENCE}/schema/metadata.py": "types of columns have variants, which SQLAlchemy looks up by name",
    "questline/cli/doctor/store_checks.py": "a check bears the name",
}
#: What may enter the room of one dialect, and why.
MAY_ENTER = {"questline/cli/doctor/store_checks.py": "a check is of the SQLite library and its journal"}
#: Modules that belong to one database.
OF_ONE = re.compile(
    r"sqlite3|pysqlite3|psycopg\w*|sqlalchemy\.dialects\..*|questline_persistence\.dialects\.(sqlite|postgres)(\..*)?"
)
#: What only one database understands, or says, if it stands in a text: pragmas, catalogues, hints of planners, codes.
ITS_WORDS = re.compile(
    r"\|\| ''|\bPRAGMA\b|\bpragma_\w|\bsqlite_master\b|\bpg_\w|\bunnest\(|\bjson_each\(|\bRETURNING\b"
    r"|^(?=.*\d)(?=.*[A-Z0-9]{5}$)[0-9A-F][0-9A-Z]{4}$"
)
#: The options of tables and indexes that SQLAlchemy takes for one database stand where the tables do.
MAY_OPT = {f"{PERSISTENCE}/schema/{name}.py" for name in ("tables", "memory_tables", "security_tables", "batch_tables")}
#: Migrations stay as they were written.
MIGRATIONS = f"{PERSISTENCE}/schema/migrations/"


def _files() -> Iterator[tuple[str, ast.Module]]:
    for floor in (*FLOORS, PERSISTENCE):
        for path in sorted((ROOT / floor).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith((f"{PERSISTENCE}/dialects/", MIGRATIONS)):
                yield name, ast.parse(path.read_text())


def _asks(tree: ast.Module) -> Iterator[str]:
    """Yield where a file takes a dialect's name, or compares or looks up one of the names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "name" and ast.unparse(node.value).endswith("dialect"):
            yield ast.unparse(node)
        if isinstance(node, ast.Compare | ast.Dict | ast.Subscript | ast.MatchValue):
            parts = [each for each in ast.walk(node) if isinstance(each, ast.Constant) and each.value in NAMES]
            yield from (repr(each.value) for each in parts)


def test_nothing_above_the_dialects_asks_which_database_it_has() -> None:
    assert {name: asks for name, tree in _files() if (asks := [*_asks(tree)])} == {}


def test_nothing_above_the_dialects_names_a_database_but_for_reasons_that_are_known() -> None:
    named = {
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMES
    }
    assert named == set(MAY_NAME)


def test_nothing_above_the_dialects_imports_what_belongs_to_one_database_but_for_reasons_that_are_known() -> None:
    importing = {
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        for module in _imported(node)
        if OF_ONE.fullmatch(module)
    }
    assert importing == {*MAY_ENTER, f"{PERSISTENCE}/schema/metadata.py"}


def _imported(node: ast.AST) -> list[str]:
    """Return the modules that a node imports, as far as they can be told from names."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{each.name}" for each in node.names)]
    return [each.name for each in node.names] if isinstance(node, ast.Import) else []


def test_nothing_above_the_dialects_uses_the_words_of_one_database() -> None:
    found = {
        name: words for name, tree in _files() if (words := [text for text in _texts(tree) if ITS_WORDS.search(text)])
    }
    assert found == {}


@pytest.mark.parametrize(
    "text", ["tickets.state || ''", "40001", "25P01", "PRAGMA journal_mode", "UPDATE t SET a = 1 RETURNING a"]
)
def test_what_was_found_once_would_be_found_again(text: str) -> None:
    assert ITS_WORDS.search(text)


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a file but those that explain it."""
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    docstrings = {id(node.body[0].value) for node in owners if node.body and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_options_for_one_database_are_given_to_tables_alone() -> None:
    opting = {
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and (node.arg or "").startswith(("sqlite_", "postgresql_"))
    }
    assert opting == MAY_OPT


def test_no_statement_of_a_dialect_lists_by_hand_what_is_listed_once() -> None:
    by_hand = {
        path.name: found
        for path in sorted(Path(dialects.__file__).parent.rglob("*.py"))
        if (found := [five for text in _texts(ast.parse(path.read_text())) for five in _by_hand(text)])
    }
    assert by_hand == {}


def test_a_list_by_hand_would_be_found() -> None:
    assert [*_by_hand("SELECT position, s.lord_name, s.tool_name, s.occurrence,\n  s.params, s.queue FROM steps s")]


LISTS = (columns.NEXT_STEP, columns.STEP, columns.RUN, columns.SNAPSHOT, columns.QUEST, columns.TICKET)
_NEXT_TO_EACH_OTHER = {pair for each in LISTS for pair in pairwise(each)}


def _by_hand(text: str) -> Iterator[str]:
    """Yield five columns that a text names one after the other as a list does."""
    for found in re.finditer(
        r"(?=\b(\w+), (\w+), (\w+), (\w+), (\w+))", re.sub(r"\b\w+\.", "", " ".join(text.split()))
    ):
        if all(pair in _NEXT_TO_EACH_OTHER for pair in pairwise(found.groups())):
            yield ", ".join(found.groups())


def test_no_seam_of_persistence_is_a_module() -> None:
    loose = {name for name, tree in _files() if "ModuleType" in ast.unparse(tree) and name.startswith(PERSISTENCE)}
    assert loose == {f"{PERSISTENCE}/moved.py"}, "which finds modules by their old names"
