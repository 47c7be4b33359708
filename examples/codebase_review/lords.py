"""The five Lords of a code review, and the quest that lets them work one after the other.

A handler only takes its parameters, paces the work and hands on the result; the work itself is in modules
that know nothing of quests.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from questline import LordContext, LordStep, Permanent, lord, quest_type

from . import complexity, imports, report, risks
from .pace import pace_seconds, paced
from .paper.html_page import to_html
from .paper.markdown import to_markdown
from .paper.publish import file_stem, publish
from .review import Review
from .summary import headline, headline_findings
from .survey import survey
from .walk import checked_root, walk

Item = TypeVar("Item")


@lord("surveyor", "survey_files")
def survey_files(ctx: LordContext, root: str, exclude: list[str] | None = None) -> dict[str, Any]:
    """List and measure the files below `root`; `exclude` holds names or glob patterns of relative paths."""
    walked = walk(_checked_root(root), exclude or ())
    return dict(survey(walked, _paced(ctx, walked.files, "files measured")))


@lord("architect", "map_imports")
def map_imports(ctx: LordContext, root: str, surveyor: dict[str, Any]) -> dict[str, Any]:
    """Map which module imports which, and find the cycles."""
    files = _python_files(surveyor)
    return dict(imports.map_imports(_checked_root(root), _paced(ctx, files, "files mapped"), known=files))


@lord("forge_master", "measure_functions")
def measure_functions(ctx: LordContext, root: str, surveyor: dict[str, Any]) -> dict[str, Any]:
    """Measure how large and how branched the functions are."""
    files = _python_files(surveyor)
    return dict(complexity.measure_functions(_checked_root(root), _paced(ctx, files, "files measured")))


@lord("sentinel", "find_risks")
def find_risks(ctx: LordContext, root: str, surveyor: dict[str, Any]) -> dict[str, Any]:
    """Look for risky patterns."""
    files = _python_files(surveyor)
    return dict(risks.find_risks(_checked_root(root), _paced(ctx, files, "files searched")))


@lord("scribe", "write_report")
def write_report(  # noqa: PLR0917 - filled by name: one for each Lord whose work it reads
    ctx: LordContext,
    surveyor: dict[str, Any],
    architect: dict[str, Any],
    forge_master: dict[str, Any],
    sentinel: dict[str, Any],
    report_dir: str,
) -> dict[str, Any]:
    """Write the report as Markdown and HTML, named after the quest."""
    # The dicts come back from JSON as the analyses' own types describe them.
    results: Any = (surveyor, architect, forge_master, sentinel)
    review = Review(*results)
    written_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    sections = _paced(ctx, report.SECTIONS, "sections written")
    document = report.build_report(review, ctx.quest_id, written_at, sections)
    stem = file_stem(ctx.quest_id)
    try:
        html_path = publish(report_dir, f"{stem}.html", to_html(document))
        markdown_path = publish(report_dir, f"{stem}.md", to_markdown(document))
    except (FileExistsError, NotADirectoryError) as error:
        message = f"report_dir {report_dir!r} is not a directory on this worker"
        raise Permanent(message) from error
    return {
        "html": html_path,
        "markdown": markdown_path,
        "headline": headline(review),
        "findings": headline_findings(review),
    }


@quest_type("codebase_review")
def codebase_review(input_data: dict[str, Any]) -> list[LordStep]:
    """Return the steps of a review of the directory `root`, reported into the directory `report_dir`."""
    for name in ("root", "report_dir"):
        if not isinstance(input_data.get(name), str) or not input_data[name]:
            message = f"a codebase_review needs {name!r} in its input: the path of a directory"
            raise Permanent(message)
    _pace_seconds(input_data)
    return [
        LordStep("surveyor", "survey_files"),
        LordStep("architect", "map_imports"),
        LordStep("forge_master", "measure_functions"),
        LordStep("sentinel", "find_risks"),
        LordStep("scribe", "write_report"),
    ]


def _checked_root(root: str) -> str:
    # Only the worker can tell: the quest may be submitted on a machine that does not have the directory.
    try:
        return checked_root(root)
    except ValueError as error:
        raise Permanent(str(error)) from error


def _pace_seconds(input_data: Mapping[str, Any]) -> float:
    try:
        return pace_seconds(input_data)
    except ValueError as error:
        raise Permanent(str(error)) from error


def _paced(ctx: LordContext, items: Sequence[Item], doing: str) -> Iterator[Item]:
    return paced(ctx, items, doing, _pace_seconds(ctx.input_data))


def _python_files(surveyor: dict[str, Any]) -> list[str]:
    return list(surveyor["python_files"]["paths"])
