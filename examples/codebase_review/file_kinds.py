"""The kind of a file, judged by its path alone: nothing here opens a file."""

import posixpath
import re
from typing import Final, Literal

Kind = Literal["source", "test", "docs", "data", "config", "other"]

#: Every kind, in the order in which reports show them.
KINDS: Final[tuple[Kind, ...]] = ("source", "test", "docs", "data", "config", "other")

#: What the other Lords parse.
PYTHON_SUFFIXES: Final = frozenset({".py", ".pyw"})

_SUFFIXES: Final[dict[Kind, str]] = {
    "source": ".py .pyw .pyi .pyx .pxd .c .h .cc .cpp .hpp .rs .go .java .js .mjs .ts .tsx .jsx .css .html .sh .sql",
    "docs": ".md .rst .txt .adoc .pdf .tex",
    "data": ".csv .tsv .json .jsonl .xml .db .sqlite .parquet .npy .pkl .gz .zip .tar .whl .png .gif .jpg .svg .ico",
    "config": ".toml .ini .cfg .conf .yaml .yml .env .lock .properties .editorconfig .gitignore .dockerignore",
}
_KIND_OF_SUFFIX: Final[dict[str, Kind]] = {
    suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()
}
_KIND_OF_NAME: Final[dict[str, Kind]] = {
    "makefile": "config",
    "dockerfile": "config",
    "pipfile": "config",
    "procfile": "config",
    "readme": "docs",
    "license": "docs",
    "copying": "docs",
    "authors": "docs",
    "changelog": "docs",
    "notice": "docs",
}
_TEST_FOLDER: Final = re.compile(r"(^|_)tests?$")
_TEST_FILE: Final = re.compile(r"^(test_.*|.*_test|conftest|tests?)$")


def suffix_of(path: str) -> str:
    """Return the lower-case suffix; a dot-file such as `.gitignore` is its own suffix."""
    name = posixpath.basename(path).lower()
    return name if name.startswith(".") and name.count(".") == 1 else posixpath.splitext(name)[1]


def is_python(path: str) -> bool:
    """Tell whether the path names a Python module (stubs are not modules)."""
    return suffix_of(path) in PYTHON_SUFFIXES


def is_test(path: str) -> bool:
    """Tell whether a Python file belongs to a test suite: by its own name or by a folder above it."""
    *folders, name = path.split("/")
    stem = posixpath.splitext(name)[0]
    return bool(_TEST_FILE.match(stem)) or any(_TEST_FOLDER.search(folder) for folder in folders)


def kind_of(path: str) -> Kind:
    """Return the kind of the file at `path`, which is relative to the reviewed root and uses `/`."""
    if is_python(path) and is_test(path):
        return "test"
    name = posixpath.splitext(posixpath.basename(path))[0].lower()
    return _KIND_OF_SUFFIX.get(suffix_of(path)) or _KIND_OF_NAME.get(name, "other")
