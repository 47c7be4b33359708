"""Every promise has its row in `docs/project/seeds.md`, and what the row names exists."""

import re

from tests.acceptance.docs.pages import ROOT

TEXT = (ROOT / "docs" / "project" / "seeds.md").read_text()
#: How many features each document names: S0.1 to S0.67, and so on.
COUNTS = {"S0": 67, "M": 6, "S1": 72, "S2": 49, "S3": 31, "S4": 24}


def rows() -> dict[str, str]:
    """Return the rows of the page by the id that each begins with."""
    return {line.split("|")[1].strip(): line for line in TEXT.splitlines() if re.match(r"\| (?:S\d|M)\.\d+ \|", line)}


def test_every_feature_has_a_row_of_its_own() -> None:
    wanted = [f"{document}.{number}" for document, count in COUNTS.items() for number in range(1, count + 1)]

    assert list(rows()) == wanted


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|toml|yml|txt))(?:::\w+)?`", TEXT))
    named |= set(re.findall(r"docs/[\w/-]+\.md", TEXT))

    assert len(named) > 20
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT))
    missing = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
    ]

    assert missing == []


def test_a_feature_without_a_test_says_why() -> None:
    bare = {number: row for number, row in rows().items() if "::" not in row}

    later = {"S1.61", "S3.27"}
    assert {number for number, row in rows().items() if "| open" in row or "is open" in row} == later
    assert set(bare) == {"S0.63", "M.4", "M.5", "S1.63", "S2.44", "S4.23"} | later
