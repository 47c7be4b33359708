import pytest

from examples.codebase_review.file_kinds import is_python, is_test, kind_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("pkg/module.py", "source"),
        ("pkg/stub.pyi", "source"),
        ("native/fast.c", "source"),
        ("test_module.py", "test"),
        ("pkg/module_test.py", "test"),
        ("conftest.py", "test"),
        ("tests/unit/anything.py", "test"),
        ("idle_test/anything.py", "test"),
        ("tests/data.json", "data"),
        ("README", "docs"),
        ("docs/guide.md", "docs"),
        ("LICENSE.txt", "docs"),
        ("data/rows.CSV", "data"),
        ("pyproject.toml", "config"),
        (".gitignore", "config"),
        ("Makefile", "config"),
        ("Dockerfile", "config"),
        ("bin/tool.exe", "other"),
        ("noextension", "other"),
    ],
)
def test_the_kind_of_a_file_is_known_by_its_path(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize("path", ["contest.py", "attest/x.py", "latest_news.py", "testing.py"])
def test_a_word_that_only_contains_test_does_not_make_a_test(path: str) -> None:
    assert not is_test(path)


def test_only_modules_count_as_python() -> None:
    assert is_python("a.py")
    assert is_python("window.pyw")
    assert not is_python("a.pyi")
    assert not is_python("py")
