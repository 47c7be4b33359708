import importlib
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from questline_worker.own_imports import DEPENDENCIES, _OwnImports, is_ours

REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "base.txt"


def test_every_package_that_questline_needs_is_known() -> None:
    pinned = re.findall(r"^([A-Za-z0-9_.-]+)==", REQUIREMENTS.read_text(), re.MULTILINE)
    wanted = {name.lower().replace("_", "-") for name in pinned} - {"async-timeout", "annotated-doc"}
    found = {
        package
        for package, owners in packages_distributions().items()
        if wanted & {owner.lower().replace("_", "-") for owner in owners}
        and not package.startswith("_")
        and package.isidentifier()
    }
    assert found <= DEPENDENCIES


def test_names_of_the_standard_library_are_ours_and_others_are_not() -> None:
    assert is_ours("queue")
    assert is_ours("redis")
    assert not is_ours("my_lords")
    assert not is_ours("tests")


def test_modules_are_found_though_the_working_directory_was_removed(tmp_path: Path) -> None:
    here = tmp_path / "release"
    here.mkdir()
    program = (
        "import os, sys; sys.modules.pop('queue', None)\n"
        "from questline_worker.own_imports import keep_own_imports\n"
        "keep_own_imports(); sys.path.insert(0, os.getcwd()); os.rmdir(os.getcwd())\n"
        "import queue, watchfiles\n"
        "print(queue.Queue.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Queue"]


def test_a_module_that_is_nowhere_else_is_found_in_the_working_directory(tmp_path: Path) -> None:
    """Some install questline and all that it needs there."""
    (tmp_path / "watchfiles.py").write_text("")
    (tmp_path / "queue.py").write_text("raise RuntimeError")
    program = (
        "import sys; sys.modules.pop('queue', None)\n"
        "from questline_worker.own_imports import keep_own_imports\n"
        "keep_own_imports(); keep_own_imports()\n"
        "sys.path.insert(0, '')\n"
        "sys.path[:] = [place for place in sys.path if 'site-packages' not in place]\n"
        "import queue, watchfiles\n"
        "print(watchfiles.__file__, queue.Queue.__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(tmp_path / "watchfiles.py"), "Queue"]


def test_a_mere_folder_of_our_name_does_not_take_the_place_of_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout" / "questline").mkdir(parents=True)
    (tmp_path / "elsewhere" / "questline").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "checkout"), str(tmp_path / "elsewhere")])
    assert _OwnImports.find_spec("questline", None) is None

    (tmp_path / "elsewhere" / "questline" / "__init__.py").touch()
    importlib.invalidate_caches()
    found = _OwnImports.find_spec("questline", None)
    assert found is not None
    assert found.origin == str(tmp_path / "elsewhere" / "questline" / "__init__.py")
