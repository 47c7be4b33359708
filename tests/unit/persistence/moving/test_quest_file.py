"""Files of quests tell what does not match, whichever of their bytes it is."""

import io
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import zstandard

from questline_persistence.errors import PayloadError
from questline_persistence.moving.quest_file import _TRAILER, QuestFileReader, QuestFileWriter
from questline_persistence.moving.quest_rows import QuestRow

ROWS = [
    QuestRow("quest_executions", {"quest_id": "alpha", "input_data": '{"a": "ä"}'}),
    QuestRow("quest_steps", {"quest_id": "alpha", "position": "0001"}),
    QuestRow("quest_steps", {"quest_id": "alpha", "position": "0002"}),
]


def written(path: Path, *quest_ids: str) -> bytes:
    with path.open("wb") as file:
        writer = QuestFileWriter(file, {"export_id": str(uuid4())})
        for quest_id in quest_ids:
            writer.add(quest_id, [QuestRow(row.table, row.values | {"quest_id": quest_id}) for row in ROWS])
        writer.finish()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.quest"


def test_a_file_tells_what_was_written(path: Path) -> None:
    written(path, "alpha", "beta")
    reader = QuestFileReader(path)

    reader.check()

    assert [(filed.quest_id, filed.count, [*filed.rows()][1:]) for filed in reader.quests()] == [
        ("alpha", 3, ROWS[1:]),
        ("beta", 3, [QuestRow(row.table, row.values | {"quest_id": "beta"}) for row in ROWS[1:]]),
    ]


def test_one_byte_that_is_another_is_refused_wherever_it_is(path: Path) -> None:
    whole = written(path, "alpha")
    for number, byte in enumerate(whole):
        path.write_bytes(whole[:number] + bytes([byte ^ 4]) + whole[number + 1 :])
        with pytest.raises(PayloadError, match=r"some\.quest cannot be imported: "):
            QuestFileReader(path).check()


def test_a_file_that_was_cut_is_refused_wherever_that_was(path: Path) -> None:
    whole = written(path, "alpha")
    for number in range(len(whole)):
        path.write_bytes(whole[:number])
        with pytest.raises(PayloadError, match=r"some\.quest cannot be imported: "):
            QuestFileReader(path).check()


def packed_anew(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of a file."""
    packed = path.read_bytes()[:-_TRAILER]
    lines = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read().splitlines(keepends=True)
    path.write_bytes(zstandard.ZstdCompressor().compress(b"".join(change(lines))))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [line.replace(b"0002", b"0003") for line in lines], r"line 4 \(quest_steps of quest alpha\) do"),
        (lambda lines: [*lines[:2], *lines[3:]], r"line 3 \(quest_steps of quest alpha\) does not match"),
        (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], r"line 3 \(quest_steps of quest alpha\) does not"),
        (lambda lines: lines[:4], "it ends within quest alpha"),
        (lambda lines: lines[:-1], "it ends too early"),
        (lambda lines: [*lines, lines[-1]], r"line 11 \(the end\) does not match"),
        (lambda lines: [lines[0].replace(b"\n", b" \n"), *lines[1:]], "line 1 does not match"),
        (lambda _: [b'{"format": 1}\n'], "line 1 is none that an export writes"),
        (lambda _: [b"[" * 100_000], "line 1 is none that an export writes"),
        (lambda _: [b"1\n"], "line 1 is none that an export writes"),
        (lambda _: [], "it is empty"),
    ],
)
def test_what_does_not_match_is_named(path: Path, change: Callable[[list[bytes]], list[bytes]], told: str) -> None:
    written(path, "alpha", "beta")
    packed_anew(path, change)

    with pytest.raises(PayloadError, match=told):
        QuestFileReader(path).check()


def test_a_file_of_a_later_format_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("questline_persistence.moving.quest_file.FORMAT_VERSION", 2)
        written(path, "alpha")

    with pytest.raises(PayloadError, match="it has version 2 of the format, and this questline knows 1"):
        QuestFileReader(path).check()


def test_a_file_that_unpacks_to_more_than_a_line_may_have_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(zstandard.ZstdCompressor().compress(orjson.dumps({"row": "x" * 5_000_000})))
    reader = QuestFileReader(path)
    monkeypatch.setattr(reader, "_longest", 1_000_000)

    with pytest.raises(PayloadError, match="line 1 is longer than 1,000,000 bytes"):
        reader.check()


def test_what_was_never_exported_is_refused(path: Path) -> None:
    for content in (b"", b"{}", b"SQLite format 3\x00" * 100, zstandard.ZstdCompressor().compress(b"")):
        path.write_bytes(content)
        with pytest.raises(PayloadError, match=r"some\.quest cannot be imported: "):
            QuestFileReader(path).check()
