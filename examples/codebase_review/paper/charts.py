"""Charts as inline SVG: they take their colours from the page's style sheet, so that they follow its theme."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .escaping import shortened, xml_text

Tone = Literal["accent", "good", "warn", "bad", "muted", "k1", "k2", "k3", "k4", "k5", "k6"]

_WIDTH: Final = 720
_LABEL_WIDTH: Final = 250
_LABEL_CHARS: Final = 38
_BAR_ROOM: Final = 380
_ROW: Final = 26
_COLUMNS_HEIGHT: Final = 170
_LEGEND_COLUMNS: Final = 3
_ONE_PERCENT: Final = 0.01


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled amount; `note` is told when one points at the bar, `shown` is written instead of the value."""

    label: str
    value: float
    tone: Tone = "accent"
    note: str = ""
    shown: str = ""

    @property
    def caption(self) -> str:
        """Return the amount as it is to be read."""
        return self.shown or f"{self.value:,}"

    @property
    def tip(self) -> str:
        """Return all that is known about the bar in one line."""
        return f"{self.label}: {self.caption}" + (f" ({self.note})" if self.note else "")


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Draw one horizontal bar below the other, all on the scale of the longest."""
    scale = _BAR_ROOM / (max((bar.value for bar in bars), default=0) or 1)
    rows = [_bar_row(bar, number * _ROW, scale) for number, bar in enumerate(bars)]
    return _svg(title, _ROW * len(bars), rows)


def _bar_row(bar: Bar, top: int, scale: float) -> str:
    length = max(bar.value * scale, 2 if bar.value else 0)
    middle = top + _ROW / 2 + 4
    return _group(
        bar.tip,
        _text(_LABEL_WIDTH, middle, shortened(bar.label, _LABEL_CHARS), "label end"),
        _box(_LABEL_WIDTH + 10, top + 5, length, _ROW - 10, bar.tone),
        _text(_LABEL_WIDTH + 16 + length, middle, bar.caption, "value"),
    )


def column_chart(title: str, bars: Sequence[Bar]) -> str:
    """Draw columns side by side, such as a histogram."""
    scale = (_COLUMNS_HEIGHT - 20) / (max((bar.value for bar in bars), default=0) or 1)
    step = _WIDTH / (len(bars) or 1)
    columns = [_column(bar, number * step, step, scale) for number, bar in enumerate(bars)]
    line = f'<line x1="0" y1="{_COLUMNS_HEIGHT}" x2="{_WIDTH}" y2="{_COLUMNS_HEIGHT}" class="axis"/>'
    return _svg(title, _COLUMNS_HEIGHT + 24, [*columns, line] if bars else [])


def _column(bar: Bar, left: float, step: float, scale: float) -> str:
    height = max(bar.value * scale, 2 if bar.value else 0)
    middle = left + step / 2
    return _group(
        bar.tip,
        _box(left + step * 0.12, _COLUMNS_HEIGHT - height, step * 0.76, height, bar.tone),
        _text(middle, _COLUMNS_HEIGHT - height - 6, bar.caption, "value middle"),
        _text(middle, _COLUMNS_HEIGHT + 17, bar.label, "label middle"),
    )


def stacked_bar(title: str, bars: Iterable[Bar]) -> str:
    """Draw the parts of a whole as one bar, with a legend below; parts of nothing are left out."""
    parts = [bar for bar in bars if bar.value]
    whole = sum(bar.value for bar in parts)
    drawn: list[str] = []
    left = 0.0
    for number, bar in enumerate(parts):
        length = _WIDTH * bar.value / whole
        drawn.append(_group(bar.tip, _box(left, 0, max(length - 2, 1), 30, bar.tone)))
        drawn.append(_legend_entry(bar, number, bar.value / whole))
        left += length
    legend_rows = -(-len(parts) // _LEGEND_COLUMNS)
    return _svg(title, 44 + 22 * legend_rows, drawn)


def _legend_entry(bar: Bar, number: int, share: float) -> str:
    left = number % _LEGEND_COLUMNS * (_WIDTH / _LEGEND_COLUMNS)
    top = 44 + number // _LEGEND_COLUMNS * 22
    percent = "<1%" if share < _ONE_PERCENT else f"{share:.0%}"
    text = f"{bar.label}: {bar.caption} ({percent})"
    return _box(left, top, 12, 12, bar.tone) + _text(left + 18, top + 10.5, text, "label")


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    if not parts:
        height, parts = 30, [_text(0, 20, "Nothing to show.", "label")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img" class="chart">'
        f"<title>{xml_text(title)}</title>{''.join(parts)}</svg>"
    )


def _group(tip: str, *parts: str) -> str:
    return f"<g><title>{xml_text(tip)}</title>{''.join(parts)}</g>"


def _box(left: float, top: float, width: float, height: float, tone: Tone) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" class="{tone}"/>'


def _text(left: float, base: float, text: str, css_class: str) -> str:
    return f'<text x="{left:.1f}" y="{base:.1f}" class="{css_class}">{xml_text(text)}</text>'
