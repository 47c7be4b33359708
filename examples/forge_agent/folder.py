"""A folder that is read and never left: no link is followed, and no path leads out of it."""

import difflib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Final

#: A file's text is cut to this many bytes.
MAX_BYTES: Final = 50_000
#: No more entries of a folder, and no more files of the whole tree, are looked at.
MAX_FILES: Final = 10_000
#: How alike two paths are if one may be meant by the other: 1 is the same, 0 has nothing in common.
ALIKE: Final = 0.6


class Refused(Exception):
    """A path leads out of the folder, or to what is neither file nor folder."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, and all below it.

    Parameters:
      root: its path.
    """

    root: Path

    def read(self, path: str) -> str:
        """Return the text of a file, as far as it is not too long.

        Raises:
          Refused: the path leads out of the folder, by a link too, or to no file of text.
          FileNotFoundError: there is none.
        """
        opened = self._opened(path)
        try:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                message = f"{path} is not a file"
                raise Refused(message)
            content = os.read(opened, MAX_BYTES)
        finally:
            os.close(opened)
        if b"\0" in content:
            message = f"{path} is not a text"
            raise Refused(message)
        return content.decode(errors="replace")

    def names(self, path: str) -> list[str]:
        """Return the names in a folder; those of folders end with `/`.

        Raises:
          Refused: the path leads out of the folder, by a link too, or to no folder.
          FileNotFoundError: there is none.
        """
        opened = self._opened(path)
        try:
            with os.scandir(opened) as entries:
                found = [f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name for one in entries]
        except NotADirectoryError:
            message = f"{path} is not a folder"
            raise Refused(message) from None
        finally:
            os.close(opened)
        return sorted(filter(_is_text, found))[:MAX_FILES]

    def has(self, path: str) -> bool:
        """Return whether there is a file or folder that may be read."""
        try:
            os.close(self._opened(path))
        except (Refused, OSError):
            return False
        return True

    def matching(self, pattern: str) -> list[str]:
        """Return the paths of the files whose name, or whole path, fits a pattern such as `*.md`."""
        return [path for path in self._files() if any(fnmatch(one, pattern) for one in (path, Path(path).name))]

    def nearest(self, path: str) -> str | None:
        """Return the path of the file that may be meant by one that is not there; None where none is like it."""
        paths = {found.casefold(): found for found in self._files()}
        near = difflib.get_close_matches(path.casefold(), paths, n=1, cutoff=ALIKE)
        return paths[near[0]] if near else None

    def _files(self) -> list[str]:
        """Return the paths of the files below the root, hidden ones left out."""
        found: list[str] = []
        for here, folders, names in os.walk(self.root):  # which follows no links
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            paths = [Path(here, name) for name in sorted(names) if not name.startswith(".")]
            files = [path for path in paths if path.is_file() and not path.is_symlink()]
            found += filter(_is_text, (path.relative_to(self.root).as_posix() for path in files))
            if len(found) >= MAX_FILES:
                break
        return found[:MAX_FILES]

    def _opened(self, path: str) -> int:
        """Open a path part by part from the root, so that nobody can put a link in its way meanwhile."""
        opened = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        for part in self._parts(path):
            try:
                below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened)
            except OSError as error:
                if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
                    raise
                message = f"{path} is refused: {part} is a link, or no folder"
                raise Refused(message) from error
            finally:
                os.close(opened)
            opened = below
        return opened

    @staticmethod
    def _parts(path: str) -> Iterator[str]:
        parts = PurePosixPath(path).parts
        if PurePosixPath(path).is_absolute() or ".." in parts or "\0" in path:
            message = f"{path} is refused: it leads out of the folder"
            raise Refused(message)
        return iter(parts)


def _is_text(name: str) -> bool:
    """Return whether a name can be written down: a file system allows any bytes."""
    return name.isprintable()
