"""What our programs import, each in a fresh interpreter: a start costs most of all what it imports."""

import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "dramatiq", "alembic", "typer", "pydantic", "redis", "rich", "psycopg", "structlog")


@pytest.mark.parametrize(
    "code", ["import questline", "import questline; questline.QuestNotFound", "import questline.pytest_plugin"]
)
def test_importing_questline_imports_nothing_heavy(code: str) -> None:
    assert not {*HEAVY} & _loaded(code)


@pytest.mark.parametrize(
    "code",
    [
        "from questline.cli import main; main(['--help'])",
        "from questline.cli.display import formatting; formatting.table('ID', rows=[['q-1']])",
    ],
    ids=["help", "table"],
)
def test_help_and_tables_do_without_the_store(code: str) -> None:
    assert not {"sqlalchemy", "dramatiq", "alembic", "redis", "psycopg"} & _loaded(code)


@pytest.mark.parametrize(
    "code",
    [
        "import questline_worker.child; from questline_persistence.store import open_database as o; o('sqlite:///no.db')",
        "import questline_worker.supervisor",
        "import questline; questline.QuestClient",
        "from questline.cli import main; main(['list', '--database-url', 'sqlite:///questline.db'])",
    ],
    ids=["child", "supervisor", "client", "list"],
)
def test_those_whose_store_is_a_file_import_no_driver_of_postgresql_or_redis(code: str) -> None:
    assert not {"psycopg", "redis"} & _loaded(code)


def test_a_client_that_is_given_no_session_does_without_the_object_mapper() -> None:
    submits = "c.submit({'quest_type': 't', 'execution_stack': [{'lord_name': 'a', 'tool_name': 'b'}]})"
    code = f"from questline import QuestClient; c = QuestClient(':memory:', 'memory://'); {submits}; c.close()"
    assert "sqlalchemy.orm" not in _loaded(code)


def test_a_supervisor_imports_nothing_that_runs_steps() -> None:
    loaded = _loaded("import questline_worker.supervisor")
    rooms = {name for name in loaded if name.startswith("questline_worker.")}
    assert not rooms & {f"questline_worker.{name}" for name in ("executor", "middleware", "process", "steps")}


@pytest.mark.parametrize("package", ["questline_persistence", "questline_worker"])
def test_to_find_modules_by_their_old_names_needs_no_module_of_python_that_nothing_else_needs(package: str) -> None:
    assert not {"importlib.abc", "importlib.resources", "pathlib", "tempfile"} & _loaded(f"import {package}")


def test_a_worker_process_looks_for_no_garbage_while_it_imports() -> None:
    program = """
import gc, runpy
import questline_worker
looks = []
gc.collect()
gc.callbacks.append(lambda *_: looks.append(True))
try:
    runpy.run_module("questline_worker.child", run_name="__main__")
except SystemExit:
    print(len(looks), gc.isenabled())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True"]


def _loaded(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has after running `code`."""
    look = f"{code}; import sys; print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return set(ended.stderr.split())
