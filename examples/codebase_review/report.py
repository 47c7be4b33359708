"""The report: a document built from the findings of the four analyses."""

import platform
from collections.abc import Callable, Iterable
from typing import Final

from .paper.document import Document, Section
from .review import Review
from .sections import dependencies_section, files_section, functions_section, method_section, risks_section
from .summary import headline, overview_section

SectionBuilder = Callable[[Review], Section]

#: The sections of the report, in order.
SECTIONS: Final[tuple[SectionBuilder, ...]] = (
    overview_section,
    files_section,
    dependencies_section,
    functions_section,
    risks_section,
    method_section,
)


def build_report(
    review: Review, quest_id: str, written_at: str, builders: Iterable[SectionBuilder] = SECTIONS
) -> Document:
    """Build the whole report; `builders` are `SECTIONS`, perhaps handed out at a measured pace."""
    facts = [
        ("Reviewed", review.survey["root"]),
        ("Quest", quest_id),
        ("Written", written_at),
        ("With", f"Python {platform.python_version()} on {platform.system()}"),
    ]
    sections = [build(review) for build in builders]
    return Document(f"Code review of {review.survey['name']}", headline(review), facts, sections)
