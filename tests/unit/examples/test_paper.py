from html.parser import HTMLParser
from pathlib import Path

import pytest

from examples.codebase_review.paper.document import (
    Badge,
    Block,
    Code,
    Document,
    Figure,
    Items,
    Section,
    Strong,
    Table,
    Tile,
    Tiles,
    paragraph,
)
from examples.codebase_review.paper.escaping import markdown_code, markdown_text, printable, shortened, xml_text
from examples.codebase_review.paper.html_page import to_html
from examples.codebase_review.paper.markdown import to_markdown
from examples.codebase_review.paper.publish import file_stem, publish

HOSTILE = "<img src=x onerror=alert(1)>|`[a](javascript:b)\n\u202e'\"&.py"


class Tags(HTMLParser):
    """Collects the tags of a page, and checks that they are closed in order."""

    VOID = frozenset({"meta", "rect", "line"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def document(text: str) -> Document:
    pieces = (text, Code(text), Strong(text), Badge(text, "bad"))
    blocks: list[Block] = [
        paragraph(*pieces),
        Items([pieces]),
        Items([[text]], ordered=True),
        Table(text, (text, "n"), [(Code(text), 1234), (text, 5)]),
        Table(text, (text,), [(Badge(text, "good"),)], folded=True),
        Table("empty", ("a",), []),
        Tiles([Tile(text, text)]),
        Figure(text, "<svg></svg>"),
    ]
    return Document(text, text, [(text, text)], [Section(text, blocks)])


@pytest.mark.parametrize("text", ["plain", HOSTILE])
def test_a_page_is_well_formed_and_holds_no_foreign_element(text: str) -> None:
    tags = Tags(to_html(document(text)))
    assert tags.open == []
    assert tags.seen.isdisjoint({"img", "script", "link", "iframe", "object"})


def test_a_page_shows_foreign_text_as_text() -> None:
    page = to_html(document(HOSTILE))
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\u202e" not in page


def test_a_page_loads_nothing_and_follows_the_readers_theme() -> None:
    page = to_html(document("x"))
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "src=" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_numbers_stand_to_the_right_with_separators() -> None:
    assert '<td class="n">1,234</td>' in to_html(document("x"))


def test_markdown_shows_foreign_text_as_text() -> None:
    text = to_markdown(document(HOSTILE))
    outside_of_code = "".join(text.split("``")[::2])
    assert "<img" not in outside_of_code.replace("\\<img", "")
    assert "](javascript" not in outside_of_code.replace("\\](javascript", "")
    assert "\u202e" not in text


def test_a_markdown_table_keeps_its_columns() -> None:
    table = to_markdown(Document("t", "l", [], [Section("s", [Table("c", ("a|b", "n"), [(Code("x|y"), 7)])])]))
    assert "| a\\|b | n |\n| --- | ---: |\n| `x\\|y` | 7 |" in table


def test_a_code_span_holds_any_number_of_backticks() -> None:
    assert markdown_code("a") == "`a`"
    assert markdown_code("a`b") == "``a`b``"
    assert markdown_code("``") == "``` `` ```"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é", "plain é"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202egpj", "\\u202egpj"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_text_is_escaped_for_its_medium() -> None:
    assert xml_text("<a b='\"'>&") == "&lt;a b=&#x27;&quot;&#x27;&gt;&amp;"
    assert markdown_text("*a* [b](c) <d> __init__") == r"\*a\* \[b\](c) \<d\> \_\_init\_\_"


def test_a_shortened_text_keeps_its_ends() -> None:
    assert shortened("short", 10) == "short"
    assert shortened("a/very/long/path.py", 10) == "a/v…ath.py"


def test_a_report_is_written_whole_and_twice_without_harm(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    first = publish(str(folder), "q.html", "one")
    assert publish(str(folder), "q.html", "two é") == first
    assert Path(first).read_text(encoding="utf-8") == "two é"
    assert [path.name for path in folder.iterdir()] == ["q.html"]


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        publish(str(tmp_path), "q.html", "\udcff")
    assert list(tmp_path.iterdir()) == []


def test_a_quest_id_becomes_a_file_name_of_its_own() -> None:
    assert file_stem("01J-abc_9.x") == "01J-abc_9.x"
    names = [file_stem(name) for name in ("../../etc/passwd", "a/b", "a_b", "a:b", "", "..", "é", "x" * 300)]
    assert len(set(names)) == len(names)
    assert not any("/" in name or name.startswith(".") or len(name) > 120 for name in names)
