"""What a page shows is compared strictly with what is printed."""

import pytest

from tests.acceptance.docs.tour import is_like

SHOWN = "ID    Status\nq-…  failed in … s\n…\nend\n"


@pytest.mark.parametrize(
    "printed",
    [
        "ID  Status\nq-17 failed in 3 s\nend\n",
        "ID      Status\nq-1 failed in 10.5 s\n\nmore\nand more\nend\n",
    ],
)
def test_an_ellipsis_stands_for_text_within_a_line_and_alone_for_lines(printed: str) -> None:
    assert is_like(SHOWN, printed)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "ID Status\nq-17 failed in 3 s\n",
        "ID Status\nq-17 new\nq-18 failed in 3 s\nend\n",
        "ID Status\nq-17 failed in 3 s\nend\nand more\n",
    ],
)
def test_no_line_is_missing_or_too_many(printed: str) -> None:
    assert not is_like(SHOWN, printed)
