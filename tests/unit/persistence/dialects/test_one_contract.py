"""Nothing above the dialects asks which database it has: what differs stands in `Dialect` and `Access`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from questline_persistence import dialects

ROOT = Path(dialects.__file__).parents[3]
FLOORS = ("questline", "gateway/questline_gateway", "worker/questline_worker", "scheduler/questline_scheduler")
PERSISTENCE = "persistence/questline_persistence"
NAMES = {"sqlite", "postgres", "postgresql"}
#: What may name a database, and why.
MAY_NAME = {
    f"{PERSISTENCE}/schema/metadata.py": "types of columns have variants, which SQLAlchemy looks up by name",
    "questline/cli/doctor/store_checks.py": "a check bears the name",
}
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


def test_no_seam_of_persistence_is_a_module() -> None:
    loose = {name for name, tree in _files() if "ModuleType" in ast.unparse(tree) and name.startswith(PERSISTENCE)}
    assert loose == {f"{PERSISTENCE}/moved.py"}, "which finds modules by their old names"
