"""The templates: everything that is put into them is escaped, and a name that is missing is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from questline_gateway.dashboard import told, words
from questline_gateway.dashboard.assets import Assets
from questline_persistence import shown_times

HERE = Path(__file__).parent


@cache
def assets() -> Assets:
    """Return the static files, which are read once in a process."""
    return Assets(HERE / "static")


@cache
def environment() -> Environment:
    """Return what renders the templates, made once in a process."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "age": told.age,
        "clock": told.clock,
        "number": told.count,
        "epoch": told.epoch,
        "first_line": told.first_line,
        "json_text": told.json_text,
        "took": told.length,
        "machine": told.machine,
        "moment": shown_times.moment,
    }
    found.globals |= {"assets": assets(), "look": words.look, "tone_of": words.tone_of}
    return found
