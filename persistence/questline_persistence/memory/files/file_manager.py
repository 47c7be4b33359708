"""What managers of files have in common: the folder, the tenant, and methods to be awaited."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Self

from questline_persistence import settings
from questline_persistence.arguments import key, text
from questline_persistence.arguments import key_prefix as prefix_of
from questline_persistence.errors import PayloadError
from questline_persistence.memory.awaited import Awaited
from questline_persistence.memory.files.documents import Documents
from questline_persistence.memory.files.folder import Folder
from questline_persistence.payload import shortened


class FileManager(Awaited):
    """Keeps sessions in the files of a folder.

    Parameters:
      folder: where the files are; it is made with the first one.
      namespace: the tenant; None means the one that the settings name.
      key_prefix: keeps keys apart within the tenant; keys of another prefix, or of none, are never seen.

    Raises:
      ConfigurationError: a setting is wrong.
      PayloadError: the folder is no path, or the namespace or the key prefix no text.
    """

    def __init__(self, folder: str | Path, *, namespace: str | None = None, key_prefix: str | None = None) -> None:
        chosen = settings.load()
        self._limit = chosen.limits.memory
        tenant = chosen.namespace if namespace is None else key(namespace, "namespace")
        documents = partial(
            Documents, Folder(_path(folder)), namespace=tenant, prefix=prefix_of(key_prefix), limit=self._limit
        )
        self._states = documents("sessions")
        self._todo_lists = documents("todo_lists")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: no file is open between two calls."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Do nothing: no file is open between two calls."""


def _path(folder: str | Path) -> Path:
    """Return a folder's path, which stays the same when the process goes elsewhere."""
    path = text(str(folder) if isinstance(folder, Path) else folder, "folder", "give a path, as text or a Path")
    if not path or "\0" in path:
        raise PayloadError(f"folder is no path: {shortened(path)}", hint="give a path such as ./memory")
    return Path(path).expanduser().absolute()
