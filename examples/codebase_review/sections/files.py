"""What the tree is made of: kinds of file, lines, the longest files."""

from typing import Final

from ..file_kinds import KINDS
from ..paper.charts import Bar, Tone, stacked_bar
from ..paper.document import Code, Figure, Section, Table
from ..review import Review

_KIND_TONES: Final[tuple[Tone, ...]] = ("k1", "k2", "k3", "k4", "k5", "k6")


def files_section(review: Review) -> Section:
    """Return what the tree is made of."""
    survey = review.survey
    kinds = [(kind, survey["kinds"][kind]) for kind in KINDS]
    by_size = stacked_bar(
        "Bytes by kind of file",
        [
            Bar(kind, t["bytes"], tone, shown=_bytes(t["bytes"]))
            for (kind, t), tone in zip(kinds, _KIND_TONES, strict=True)
        ],
    )
    totals = [
        (kind, t["files"], _bytes(t["bytes"]), *((t["code"], t["comment"], t["blank"]) if t["code"] else ("", "", "")))
        for kind, t in kinds
        if t["files"]
    ]
    largest = [(Code(row["file"]), row["lines"], _bytes(row["bytes"])) for row in survey["largest"]]
    return Section(
        "Files",
        [
            Figure("What the tree is made of, by size", by_size),
            Table(
                "Files by kind (lines of Python only)", ("Kind", "Files", "Size", "Code", "Comment", "Blank"), totals
            ),
            Figure("Python lines", _line_chart(review)),
            Table("The longest Python files", ("File", "Lines", "Size"), largest, folded=True),
        ],
    )


def _line_chart(review: Review) -> str:
    kinds = review.survey["kinds"]
    bars = [
        Bar("code", kinds["source"]["code"], "k1"),
        Bar("code of tests", kinds["test"]["code"], "k2"),
        Bar("comment", kinds["source"]["comment"] + kinds["test"]["comment"], "k3"),
        Bar("blank", kinds["source"]["blank"] + kinds["test"]["blank"], "k6"),
    ]
    return stacked_bar("Lines of Python", bars)


def _bytes(size: int) -> str:
    """Return a size as people say it, in decimal units."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size} B"
