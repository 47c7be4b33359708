"""What others wrote and this repository carries is as they published it, with its licence beside it."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
FOLDERS = [
    ROOT / "gateway/questline_gateway/dashboard/static/vendor",
    ROOT / "tests/browser/vendor",
]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-2])
def test_vendored_files_are_those_that_are_listed(folder: Path) -> None:
    listed = json.loads((folder / "VENDOR.json").read_text())
    for each in listed:
        digest = hashlib.sha384((folder / each["file"]).read_bytes()).digest()
        assert f"sha384-{base64.b64encode(digest).decode()}" == each["sha384"], each["name"]
        assert (folder / each["licence_file"]).stat().st_size > 200
        assert each["version"]
    known = {name for each in listed for name in (each["file"], each["licence_file"])} | {"VENDOR.json"}
    assert {path.name for path in folder.iterdir()} == known
