import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import examples
from examples.codebase_review.standard_library import standard_library_packages

WITHOUT_QUESTS = """
import importlib, pkgutil, sys, types
sys.modules["questline"] = None
package = types.ModuleType("any_name")
package.__path__ = [sys.argv[1]]
sys.modules["any_name"] = package
names = [module.name for module in pkgutil.walk_packages(package.__path__, "any_name.")]
for name in sorted(set(names) - {"any_name.lords"}):
    importlib.import_module(name)
print(len(names))
"""


def test_the_running_python_has_packages_of_several_hundred_files() -> None:
    packages = standard_library_packages()
    names = [package.name for package in packages]
    assert names == sorted(names)
    assert {"asyncio", "concurrent", "email", "importlib", "json", "multiprocessing", "unittest", "xml"} <= set(names)
    assert {"test", "site-packages", "__pycache__"}.isdisjoint(names)
    assert sum(1 for package in packages for _ in Path(package.path).rglob("*.py")) > 300


def test_only_packages_with_enough_files_are_taken() -> None:
    assert {package.name for package in standard_library_packages(20)} < {
        package.name for package in standard_library_packages()
    }


def test_a_python_without_sources_has_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    monkeypatch.delattr(os, "__file__")
    assert standard_library_packages() == []


def test_the_analyses_work_under_any_name_and_without_questline() -> None:
    folder = Path(examples.__path__[0]) / "codebase_review"
    command = [sys.executable, "-c", WITHOUT_QUESTS, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert int(done.stdout) > 20
