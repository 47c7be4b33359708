"""What the tests of the analyses share."""

from collections.abc import Callable
from pathlib import Path

import pytest

Tree = Callable[[dict[str, str | bytes]], str]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a function that writes files, given by relative path, and returns the folder that holds them."""
    root = tmp_path / "tree"
    root.mkdir()

    def write(files: dict[str, str | bytes]) -> str:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(root)

    return write
