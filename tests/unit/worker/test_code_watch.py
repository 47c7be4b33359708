import sys
from pathlib import Path

import pytest

from questline_scheduler.quest_types import build_stack, known_types
from questline_worker.code_watch import CodeWatch
from questline_worker.lords import import_lords


def test_changed_files_are_told_once(tmp_path: Path) -> None:
    said: list[str] = []
    watch = CodeWatch(tmp_path, said.append)
    (tmp_path / "a.py").write_text("a = 1\n")
    watch.note({tmp_path / "a.py", tmp_path / "deleted.py"})
    assert watch.take() == [tmp_path / "a.py", tmp_path / "deleted.py"]
    assert watch.take() == []
    assert said == []


def test_nothing_is_told_while_any_file_is_no_python(tmp_path: Path) -> None:
    said: list[str] = []
    watch = CodeWatch(tmp_path, said.append)
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("a = 1\n")
    bad.write_bytes(b"a = \0\n")
    watch.note({bad})
    assert watch.take() == []
    watch.note({good})
    assert watch.take() == []
    assert str(bad) in said[0]
    bad.write_text("a = 2\n")
    watch.note({bad})
    assert watch.take() == [bad]


def _write(folder: Path, steps: int, *, name: str = "tale") -> None:
    """Write a module that registers a quest type, and one that it imports."""
    (folder / "watched_steps.py").write_text(f"STEPS = ['a:work'] * {steps}  # {'x' * steps}\n")
    (folder / "watched_types.py").write_text(
        "from questline import quest_type\nfrom watched_steps import STEPS\n\n"
        f"@quest_type({name!r})\ndef build(data):\n    return STEPS\n"
    )


def test_new_code_is_imported_with_what_it_brings_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    watch, elsewhere = CodeWatch(tmp_path, print), sys.modules["pytest"]
    _write(tmp_path, 1)
    import_lords(["watched_types"])
    assert len(build_stack("tale", {})) == 1

    _write(tmp_path, 22)
    watch.import_anew(["watched_types"])
    assert len(build_stack("tale", {})) == 22

    (tmp_path / "watched_types.py").write_text("raise ValueError\n")
    watch.import_anew(["watched_types"])
    assert len(build_stack("tale", {})) == 22

    _write(tmp_path, 333, name="saga")
    watch.import_anew(["watched_types"])
    assert len(build_stack("saga", {})) == 333
    assert "saga" in known_types()
    assert sys.modules["pytest"] is elsewhere
