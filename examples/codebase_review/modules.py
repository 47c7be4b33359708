"""The names by which the files of a tree can be imported, and which file an import statement means."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Folders outside of any package whose modules can be imported from anywhere in the tree.
_IMPORT_ROOTS: Final = ("", "src")


@dataclass(frozen=True, slots=True)
class Module:
    """A file, its dotted name, and the folder that must be on `sys.path` for that name to work."""

    path: str
    name: str
    home: str

    @property
    def is_lone(self) -> bool:
        """Tell whether this is a module outside of any package, such as a script."""
        return "." not in self.name and posixpath.splitext(posixpath.basename(self.path))[0] != "__init__"


class Modules:
    """The modules of one tree; every answer is a path relative to the root, or None."""

    def __init__(self, root: str, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._packages = {posixpath.dirname(path) for path in self._paths if _stem(path) == "__init__"}
        self._prefix = _package_of(root) if "" in self._packages else []
        self.by_path = {path: self._module(path) for path in sorted(self._paths)}
        self._by_name: dict[str, list[Module]] = {}
        for module in self.by_path.values():
            for name in _importable_names(module):
                self._by_name.setdefault(name, []).append(module)
        self.ambiguous: set[str] = set()

    def name(self, path: str) -> str:
        """Return the name to show for the module in this file."""
        module = self.by_path[path]
        return module.name if not module.is_lone or module.home in _IMPORT_ROOTS else _with_namespace(module)

    def exactly(self, name: str, importer: str) -> str | None:
        """Return the file that `import name` in the file `importer` means."""
        seen = [module for module in self._by_name.get(name, ()) if name != module.name or _can_see(importer, module)]
        if len(seen) > 1:
            home = self.by_path[importer].home
            seen = [module for module in seen if module.home == home] or seen
        if len(seen) > 1:
            self.ambiguous.add(name)
            return None
        return seen[0].path if seen else None

    def longest(self, name: str, importer: str) -> str | None:
        """Return the file for the longest beginning of a dotted name that is a module of this tree."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if path := self.exactly(".".join(parts[:length]), importer):
                return path
        return None

    def relative(self, importer: str, level: int, name: str) -> str | None:
        """Return the file for `from ...name import` with `level` dots: found by folders, whatever their names mean."""
        folders = _parts(posixpath.dirname(importer))
        if level - 1 > len(folders):
            return None
        target = "/".join([*folders[: len(folders) - (level - 1)], *_parts(name.replace(".", "/"))])
        candidates = (f"{target}.py", posixpath.join(target, "__init__.py"))
        return next((path for path in candidates if path in self._paths), None)

    def _module(self, path: str) -> Module:
        folders = _parts(posixpath.dirname(path))
        start = len(folders)
        while start and "/".join(folders[:start]) in self._packages:
            start -= 1
        parts = folders[start:] if _stem(path) == "__init__" else [*folders[start:], _stem(path)]
        if start == 0:
            parts = [*self._prefix, *parts]
        return Module(path, ".".join(parts), "/".join(folders[:start]))


def _can_see(importer: str, module: Module) -> bool:
    """A lone module in a side folder is no candidate for the whole tree: `tools/email.py` is not `email`."""
    if not module.is_lone or module.home in _IMPORT_ROOTS:
        return True
    return posixpath.dirname(importer) == module.home or importer.startswith(f"{module.home}/")


def _package_of(root: str) -> list[str]:
    """Return the dotted name, as parts, of the package whose folder `root` is."""
    parts: list[str] = []
    folder = Path(root)
    while folder.name and (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return parts


def _importable_names(module: Module) -> set[str]:
    """Return the module's name and, below a folder that is no package, the name with that namespace before it."""
    return {module.name, _with_namespace(module)}


def _with_namespace(module: Module) -> str:
    return ".".join([*_parts(module.home), module.name])


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]


def _parts(path: str) -> list[str]:
    return path.split("/") if path else []
