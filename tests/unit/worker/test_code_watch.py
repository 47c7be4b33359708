from pathlib import Path

from questline_worker.code_watch import CodeWatch


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
