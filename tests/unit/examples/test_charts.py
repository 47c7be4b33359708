from xml.etree import ElementTree as ET

import pytest

from examples.codebase_review.paper.charts import Bar, bar_chart, column_chart, stacked_bar

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</svg><script>alert(1)</script> & \"quoted\" 'x' \x00\x1b\u202e"


def drawn(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - it is our own drawing that must be well-formed


@pytest.mark.parametrize("chart", [bar_chart, column_chart, stacked_bar])
def test_every_chart_is_well_formed_whatever_its_labels(chart: type) -> None:
    root = drawn(chart(HOSTILE, [Bar(HOSTILE, 3, note=HOSTILE), Bar("b", 0), Bar("c", 1.5, "bad", shown=HOSTILE)]))
    assert root.tag == f"{SVG}svg"
    assert root.find(f".//{SVG}script") is None
    assert "<script>" in "".join(root.itertext())


@pytest.mark.parametrize("chart", [bar_chart, column_chart, stacked_bar])
@pytest.mark.parametrize("bars", [[], [Bar("a", 0)]])
def test_a_chart_of_nothing_is_still_a_drawing(chart: type, bars: list[Bar]) -> None:
    assert drawn(chart("Nothing", bars)).find(f"{SVG}title") is not None


def test_a_chart_without_bars_says_so() -> None:
    assert "Nothing to show." in "".join(drawn(bar_chart("Empty", [])).itertext())


def test_bars_are_as_long_as_their_values() -> None:
    boxes = drawn(bar_chart("Bars", [Bar("a", 100), Bar("b", 50), Bar("c", 0)])).iter(f"{SVG}rect")
    longest, half, none = [float(box.attrib["width"]) for box in boxes]
    assert longest == pytest.approx(2 * half)
    assert none == 0


def test_columns_stand_on_one_line_and_are_as_high_as_their_values() -> None:
    boxes = list(drawn(column_chart("Columns", [Bar("a", 10), Bar("b", 5)])).iter(f"{SVG}rect"))
    assert float(boxes[0].attrib["height"]) == pytest.approx(2 * float(boxes[1].attrib["height"]))
    assert len({float(box.attrib["y"]) + float(box.attrib["height"]) for box in boxes}) == 1


def test_the_parts_of_a_whole_come_with_their_shares() -> None:
    text = "".join(drawn(stacked_bar("Parts", [Bar("a", 30, "k1"), Bar("b", 10, "k2"), Bar("c", 0, "k3")])).itertext())
    assert "a: 30 (75%)" in text
    assert "b: 10 (25%)" in text
    assert "c:" not in text


def test_a_long_label_is_cut_in_the_middle_and_told_in_full_by_the_tip() -> None:
    label = "start/" + "x" * 100 + "/end.py"
    root = drawn(bar_chart("Long", [Bar(label, 1)]))
    texts = [str(element.text) for element in root.iter(f"{SVG}text")]
    assert texts[0].startswith("start/")
    assert texts[0].endswith("/end.py")
    assert len(texts[0]) < 40
    assert label in "".join(str(element.text) for element in root.iter(f"{SVG}title"))
