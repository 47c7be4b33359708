"""What is there: files by kind, lines of Python, the largest files, and the list the other analyses work from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from .budget import within
from .file_kinds import KINDS, Kind, is_python, kind_of
from .source import LineCount, Problem, count_lines, decode
from .walk import FoundFile, Walk

#: A larger Python file is generated data more than code; it is counted, not read.
MAX_SOURCE_BYTES: Final = 4_000_000
#: The list of Python files holds at most this many, and at most this many bytes of JSON.
MAX_LISTED: Final = 4_000
MAX_LIST_BYTES: Final = 190_000
#: How many rows the smaller lists hold.
MAX_LARGEST: Final = 15
MAX_PROBLEMS: Final = 50
MAX_ROWS_BYTES: Final = 12_000


class KindTotals(TypedDict):
    """The totals of one kind of file; lines are counted in Python files only."""

    files: int
    bytes: int
    code: int
    comment: int
    blank: int


class PythonFiles(TypedDict):
    """The Python files as columns (rows would repeat the keys a thousand times): same index, same file."""

    paths: list[str]
    bytes: list[int]
    lines: list[int]


class LargeFile(TypedDict):
    """One of the largest Python files."""

    file: str
    bytes: int
    lines: int


class Survey(TypedDict):
    """What the surveyor hands on. Where `python_total` exceeds the length of the list, `truncated` is true."""

    root: str
    name: str
    files_total: int
    bytes_total: int
    kinds: dict[Kind, KindTotals]
    python_files: PythonFiles
    python_total: int
    truncated: bool
    largest: list[LargeFile]
    encoding_problems: list[Problem]
    encoding_problems_total: int
    too_large: list[str]
    unreadable: list[str]
    unreadable_total: int
    folders_skipped: int
    links_skipped: int
    stopped_early: bool


@dataclass(frozen=True, slots=True)
class _PythonFile:
    path: str
    size: int
    lines: LineCount


def survey(walked: Walk, files: Iterable[FoundFile]) -> Survey:
    """Measure the files of a walk; `files` are `walked.files`, perhaps handed out at a measured pace."""
    kinds = {kind: KindTotals(files=0, bytes=0, code=0, comment=0, blank=0) for kind in KINDS}
    measured: list[_PythonFile] = []
    problems: list[Problem] = []
    too_large: list[str] = []
    for found in files:
        totals = kinds[kind_of(found.path)]
        totals["files"] += 1
        totals["bytes"] += found.size
        if not is_python(found.path):
            continue
        if found.size > MAX_SOURCE_BYTES:
            too_large.append(found.path)
        elif file := _measured(walked, found, problems):
            measured.append(file)
            _add_lines(totals, file.lines)
    return _survey(walked, kinds, measured, problems, too_large)


def _measured(walked: Walk, found: FoundFile, problems: list[Problem]) -> _PythonFile | None:
    try:
        text = decode(Path(walked.root, found.path).read_bytes())
    except OSError:
        walked.note_unreadable(found.path)
        return None
    if text.problem:
        problems.append(Problem(file=found.path, line=0, error=text.problem))
    return _PythonFile(found.path, found.size, count_lines(text.text))


def _add_lines(totals: KindTotals, lines: LineCount) -> None:
    totals["code"] += lines.code
    totals["comment"] += lines.comment
    totals["blank"] += lines.blank


def _survey(
    walked: Walk,
    kinds: dict[Kind, KindTotals],
    measured: list[_PythonFile],
    problems: list[Problem],
    too_large: list[str],
) -> Survey:
    listed = _listed(measured)
    return Survey(
        root=walked.root,
        name=Path(walked.root).name or walked.root,
        files_total=len(walked.files),
        bytes_total=sum(totals["bytes"] for totals in kinds.values()),
        kinds=kinds,
        python_files=_columns(listed),
        python_total=len(measured),
        truncated=len(listed) < len(measured),
        largest=_largest(measured),
        encoding_problems=within(problems, MAX_PROBLEMS, MAX_ROWS_BYTES),
        encoding_problems_total=len(problems),
        too_large=within(too_large, MAX_PROBLEMS, MAX_ROWS_BYTES),
        unreadable=walked.unreadable,
        unreadable_total=walked.unreadable_total,
        folders_skipped=walked.folders_skipped,
        links_skipped=walked.links_skipped,
        stopped_early=walked.stopped_early,
    )


def _listed(measured: list[_PythonFile]) -> list[_PythonFile]:
    """Return the files to hand on, in path order; where there is no room for all, tests are left out first."""
    by_worth = sorted(measured, key=lambda file: (kind_of(file.path) == "test", file.path))
    rows = [(file.path, file.size, sum(file.lines)) for file in by_worth]
    kept = by_worth[: len(within(rows, MAX_LISTED, MAX_LIST_BYTES))]
    return sorted(kept, key=lambda file: file.path)


def _columns(files: list[_PythonFile]) -> PythonFiles:
    return PythonFiles(
        paths=[file.path for file in files],
        bytes=[file.size for file in files],
        lines=[sum(file.lines) for file in files],
    )


def _largest(measured: list[_PythonFile]) -> list[LargeFile]:
    ordered = sorted(measured, key=lambda file: (-sum(file.lines), file.path))
    rows = [LargeFile(file=file.path, bytes=file.size, lines=sum(file.lines)) for file in ordered[:MAX_LARGEST]]
    return within(rows, MAX_LARGEST, MAX_ROWS_BYTES)
