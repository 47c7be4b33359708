"""Files of quests: JSON lines, compressed, each line tied to all before it by a checksum.

The first line tells the format, the last one how many quests there are. Between them stand the rows of one quest after
the other, and a line behind each. At the end of the file, where tools for zstd do not look, stands a checksum of its
bytes. Checksums show damage and careless changes; who forges a whole file can make them anew.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID

import orjson
import zstandard

from questline_persistence.errors import PayloadError, QuestlineError
from questline_persistence.moving.quest_rows import QuestRow
from questline_persistence.payload import DEFAULTS, Limits

#: What a file says that it is, and in which version of the format.
FORMAT, FORMAT_VERSION = "questline quests", 1
#: How much of a quest is held in memory while its file is read or written, in bytes; the rest is on the disk.
MAX_IN_MEMORY = 16_000_000
#: How much memory a file may ask for to be unpacked, in bytes.
MAX_WINDOW = 2**27
#: What begins a frame that zstd passes over: the magic number, and how long it is.
_FRAME = b"\x50\x2a\x4d\x18\x40\x00\x00\x00"
_TRAILER = len(_FRAME) + 64
_CHUNK = 1_000_000
_HINT = "export the quests again, or take another copy of the file"


def canonical(data: Any) -> bytes:
    """Return data as JSON in its one spelling."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


class _Chain:
    """Ties each line to all before it."""

    def __init__(self) -> None:
        self._last = b""

    def tie(self, data: dict[str, Any]) -> str:
        """Return the checksum of a line, given the lines before it."""
        digest = hashlib.sha256(self._last + canonical(data)).hexdigest()
        self._last = digest.encode()
        return digest


class QuestFileWriter:
    """Writes a file of quests.

    Parameters:
      file: where to, opened for bytes.
      about: what the first line tells besides the format.
    """

    def __init__(self, file: IO[bytes], about: dict[str, Any]) -> None:
        self._file = _Hashed(file)
        hashed: Any = self._file  # which has as much of a file as is asked for
        self._packed: Any = zstandard.ZstdCompressor(write_checksum=True).stream_writer(hashed, closefd=False)
        self._chain = _Chain()
        self._quests = 0
        self._write({"format": FORMAT, "format_version": FORMAT_VERSION, **about})

    def add(self, quest_id: str, rows: Iterable[QuestRow]) -> int:
        """Add a quest; return how many rows it has."""
        count = 0
        for row in rows:
            self._write({"table": row.table, "row": row.values})
            count += 1
        self._write({"quest": quest_id, "rows": count})
        self._quests += 1
        return count

    def finish(self) -> None:
        """Write what ends the file."""
        self._write({"quests": self._quests})
        self._packed.close()
        self._file.end()

    def _write(self, data: dict[str, Any]) -> None:
        self._packed.write(canonical({**data, "sha256": self._chain.tie(data)}) + b"\n")


class _Hashed:
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def end(self) -> None:
        self._file.write(_FRAME + self._hash.hexdigest().encode())


@dataclass(frozen=True, slots=True)
class FiledQuest:
    """A quest as a file holds it.

    Parameters:
      quest_id: its id.
      count: how many rows it has.
      lines: the rows, a line each.
    """

    quest_id: str
    count: int
    lines: IO[bytes]

    def rows(self) -> Iterator[QuestRow]:
        """Yield its rows, from the first on."""
        self.lines.seek(0)
        for line in self.lines:
            data = orjson.loads(line)
            yield QuestRow(data["table"], data["row"])


class QuestFileReader:
    """Reads a file of quests; what does not match is refused by its name.

    Parameters:
      path: the file.
      limits: how large what a quest holds may be.

    Raises:
      PayloadError: there is no such file.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULTS) -> None:
        if not path.is_file():
            raise PayloadError(f"{path} is no file", hint="name a file that `questline export` has written")
        self.path = path
        #: A row's largest column is JSON, which is a text in the JSON of its line.
        self._longest = 2 * limits.state.size + _CHUNK

    def check(self) -> None:
        """Read the whole file.

        Raises:
          PayloadError: it is damaged, was changed, or is none of ours; the message names what does not match.
        """
        for _ in self.quests():
            pass
        with self.path.open("rb") as file:
            if _bytes_of(file, self.path) != _trailer(file, self.path):
                raise self._refused("its bytes do not match the checksum at its end")

    def about(self) -> dict[str, Any]:
        """Return what the first line tells."""
        return self._first(self._lines())

    def quests(self) -> Iterator[FiledQuest]:
        """Yield the quests, each once its lines have been checked; it is to be used before the next one."""
        lines = self._lines()
        self._first(lines)
        for count in itertools.count():
            with SpooledTemporaryFile(MAX_IN_MEMORY) as spool:
                if (filed := self._quest(lines, count, spool)) is None:
                    break
                yield filed
        if next(lines, None) is not None:
            raise self._refused("there is more behind its end")

    def _first(self, lines: Iterator[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
        """Return the first line, which says whose file it is."""
        first = next(lines, None)
        if first is None:
            raise self._refused("it is empty")
        return first[1]

    def _quest(self, lines: Iterator[tuple[int, dict[str, Any]]], before: int, spool: IO[bytes]) -> FiledQuest | None:
        """Return the next quest, whose rows are put on the spool; None at the end."""
        named, rows = None, 0
        for number, data in lines:
            if isinstance(data.get("row"), dict) and isinstance(data.get("table"), str):
                named = data["row"].get("quest_id") if rows == 0 else named
                rows += 1
                spool.write(canonical(data) + b"\n")
            elif isinstance(named, str) and data.get("quest") == named and data.get("rows") == rows:
                return FiledQuest(named, rows, spool)
            elif rows == 0 and data.get("quests") == before:
                return None
            else:
                raise self._refused(f"line {number} does not belong there")
        raise self._refused(f"it ends within quest {named}" if rows else "it ends too early")

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the lines with their numbers, each checked."""
        chain, place, number = _Chain(), "", 0
        with self.path.open("rb") as file, self._unpacked(file) as unpacked:
            while True:
                try:
                    line = unpacked.readline(self._longest + 1)
                except zstandard.ZstdError as error:
                    raise self._refused(f"what is behind line {number}{place} cannot be unpacked") from error
                if not line:
                    return
                number += 1
                data = self._checked(line, number, place, chain)
                place = _place(data) or place
                if number == 1:
                    self._require_ours(data)
                yield number, data

    @contextmanager
    def _unpacked(self, file: IO[bytes]) -> Iterator[io.BufferedReader]:
        raw: Any = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(file, closefd=False)
        with io.BufferedReader(raw, _CHUNK) as unpacked:
            yield unpacked

    def _checked(self, line: bytes, number: int, place: str, chain: _Chain) -> dict[str, Any]:
        """Return the data of a line, without its checksum."""
        if len(line) > self._longest:
            raise self._refused(f"line {number} is longer than {self._longest:,} bytes")
        try:
            data = orjson.loads(line)
            digest = data.pop("sha256")
        except (ValueError, AttributeError, KeyError, TypeError):
            raise self._refused(f"line {number}{place} is none that an export writes") from None
        if chain.tie(data) != digest or canonical({**data, "sha256": digest}) + b"\n" != line:
            told = _place(data) or place
            raise self._refused(f"line {number}{told} does not match its checksum")
        return dict(data)

    def _require_ours(self, data: dict[str, Any]) -> None:
        if data.get("format") != FORMAT:
            raise self._refused("it is no export of quests")
        if data.get("format_version") != FORMAT_VERSION:
            version = f"{data.get('format_version')!r:.20}"
            raise self._refused(f"it has version {version} of the format, and this questline knows {FORMAT_VERSION}")
        try:
            UUID(data["export_id"])
        except (KeyError, ValueError, AttributeError, TypeError):
            raise self._refused("its first line names no export") from None

    def _refused(self, what: str) -> QuestlineError:
        return PayloadError(f"{self.path} cannot be imported: {what}", hint=_HINT)


def _place(data: dict[str, Any]) -> str:
    """Return where a line is, as text behind its number; "" where that does not say."""
    row = data.get("row")
    if isinstance(row, dict):
        quest = row.get("quest_id") or row.get("owner")
        return f" ({data.get('table')!s:.100}{f' of quest {quest!s:.300}' if quest else ''})"
    if "quest" in data:
        return f" (the end of quest {data['quest']!s:.300})"
    return " (the end)" if "quests" in data else ""


def _bytes_of(file: IO[bytes], path: Path) -> str:
    """Return the checksum of what is before the trailer."""
    left, digest = path.stat().st_size - _TRAILER, hashlib.sha256()
    while left > 0 and (chunk := file.read(min(left, _CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest()


def _trailer(file: IO[bytes], path: Path) -> str:
    """Return the checksum that a file tells of itself; "" where it tells none."""
    file.seek(max(0, path.stat().st_size - _TRAILER))
    frame, digest = file.read(len(_FRAME)), file.read()
    return digest.decode("ascii", "replace") if frame == _FRAME else ""
