"""The house: rooms are entered by their doors, and nothing in them is crowded, too long, or left unexplained.

Which room may know which is for import-linter.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from public_names import HOMES, MET

ROOT = Path(__file__).parents[2]
#: Where each floor's import package stands.
FLOORS = {
    "questline": "questline",
    "questline_gateway": "gateway/questline_gateway",
    "questline_worker": "worker/questline_worker",
    "questline_scheduler": "scheduler/questline_scheduler",
    "questline_persistence": "persistence/questline_persistence",
}
#: Files that others import past their room's door, and why.
PAST_THE_DOOR = {
    **dict.fromkeys(
        ("questline.cli.app", "questline.cli.exit_codes", "questline.cli.failures"),
        "the references of commands and errors are written from them; the door is for who runs a command",
    ),
    "questline_scheduler.doorbells.redis_broker": "it brings Redis's client, for which only those who use it pay",
}
#: Where Python is written.
TOPS = [*sorted({folder.partition("/")[0] for folder in FLOORS.values()}), "tests", "benchmarks", "docs", "examples"]
#: What may be longer than other files: a migration is as long as what it changes, and stays as it was.
MIGRATIONS = ROOT / FLOORS["questline_persistence"] / "schema" / "migrations" / "versions"
#: Most files in a folder; about 15 is the aim.
MAX_FILES = 20
#: Most lines of a file; past 300 a second noun may hide in it.
MAX_LINES = 400
#: Most lines of a function; 20 is the norm.
MAX_FUNCTION_LINES = 60
#: Which part of the lines of what users import are docstrings, at least.
DOCSTRINGS = 0.25


def _modules() -> dict[str, Path]:
    """Return the floors' modules by name; a package's is its `__init__`."""
    return {
        ".".join((floor, *path.relative_to(ROOT / folder).with_suffix("").parts)).removesuffix(".__init__"): path
        for floor, folder in FLOORS.items()
        for path in (ROOT / folder).rglob("*.py")
    }


MODULES = _modules()
#: The rooms, by name: every package inside a floor.
ROOMS = {name for name, path in MODULES.items() if path.name == "__init__.py"} - set(FLOORS)


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield from which module a file imports which name, "" being the module itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield node.module or "", name.name
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, ""


def _handed_on(room: str) -> set[str]:
    """Return what a room's `__all__` names."""
    for node in ast.parse(MODULES[room].read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


HANDED_ON = {room: _handed_on(room) for room in ROOMS}


def _trespasses(importer: str, path: Path) -> Iterator[str]:
    """Yield what a file imports from within a room that it does not stand in, and that the room does not hand on."""
    for module, name in _imports(path):
        room = next((each for each in _upwards(module) if each in ROOMS), None)
        if room is None or f"{importer}.".startswith(f"{room}.") or {module, f"{module}.{name}"} & set(PAST_THE_DOOR):
            continue
        is_room = f"{module}.{name}" in ROOMS
        if module != room or (name and not is_room and name not in HANDED_ON[room]):
            yield f"{importer} imports {name or 'all'} from {module}"


def _upwards(module: str) -> Iterator[str]:
    """Yield a module's name and those of all that it stands in, the innermost first."""
    while module:
        yield module
        module = module.rpartition(".")[0]


@pytest.mark.parametrize("floor", FLOORS)
def test_rooms_of_a_floor_are_entered_by_what_they_hand_on(floor: str) -> None:
    inside = {name: path for name, path in MODULES.items() if name.partition(".")[0] == floor}
    assert [each for name, path in sorted(inside.items()) for each in _trespasses(name, path)] == []


@pytest.mark.parametrize("folder", ["benchmarks", "docs", "examples"])
def test_rooms_are_entered_by_what_they_hand_on_from_outside_of_the_house(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert [each for path in paths for each in _trespasses(path.stem, path)] == []


@pytest.mark.parametrize("top", TOPS)
def test_no_folder_is_crowded(top: str) -> None:
    paths = (path for path in (ROOT / top).rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    counts = Counter(str(path.parent.relative_to(ROOT)) for path in paths)
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES} == {}


def _length(node: ast.AST) -> int:
    """Return how many lines a statement has, without its decorators."""
    assert isinstance(node, ast.stmt)
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("top", TOPS)
def test_no_file_is_too_long(top: str) -> None:
    paths = (path for path in (ROOT / top).rglob("*.py") if path.parent != MIGRATIONS)
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


@pytest.mark.parametrize("top", TOPS)
def test_no_function_is_too_long(top: str) -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": _length(node)
        for path in (ROOT / top).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def _public_modules() -> set[str]:
    """Return the modules that define what users import or are given, and what that inherits from."""
    public = [*MET.values(), *(getattr(home, name) for home in HOMES for name in home.__all__ if name[0] != "_")]
    homes = {each.__module__ for one in public for each in (one.__mro__ if isinstance(one, type) else (one,))}
    return homes & set(MODULES)


def _docstring_lines(path: Path) -> int:
    """Return how many lines of a file are docstrings."""
    return sum(
        _length(node.body[0])
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if ast.get_docstring(node) is not None
    )


def test_what_users_import_explains_itself() -> None:
    paths = [MODULES[name] for name in _public_modules()]
    lines = sum(len(path.read_text().splitlines()) for path in paths)
    assert len(paths) > 10
    assert sum(map(_docstring_lines, paths)) / lines >= DOCSTRINGS
