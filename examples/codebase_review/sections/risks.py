"""The risky places: by severity, by pattern, by file, one by one."""

from typing import Final

from ..paper.charts import Bar, bar_chart
from ..paper.document import Badge, Block, Code, Figure, Section, Table, Tone, paragraph
from ..review import Review
from ..risks import MAX_LISTED_PER_RULE, SEVERITIES, Severity
from ..wording import counted

_SEVERITY_TONE: Final[dict[Severity, Tone]] = {"high": "bad", "medium": "warn", "low": "muted"}


def risks_section(review: Review) -> Section:
    """Return the risky places."""
    risks = review.risks
    bars = [Bar(severity, risks["by_severity"][severity], _SEVERITY_TONE[severity]) for severity in SEVERITIES]
    blocks: list[Block] = [
        paragraph(
            f"{counted(risks['total'], 'place').capitalize()} found, {risks['in_tests']:,} of them in tests. "
            "A rule sees a pattern, not an intention: each place deserves a look, not each is a fault."
        ),
        Figure("Outside of tests, by severity", bar_chart("Risks by severity", bars)),
        _rule_table(review),
        _risky_file_table(review),
        *_finding_tables(review),
    ]
    return Section("Risks", blocks)


def _rule_table(review: Review) -> Table:
    rows = [
        (_badge(row["severity"]), row["title"], row["count"], row["in_tests"], row["advice"])
        for row in review.risks["rules"]
    ]
    return Table("What was found", ("Severity", "Pattern", "Places", "In tests", "Why, and what instead"), rows)


def _risky_file_table(review: Review) -> Table:
    rows = [(Code(row["file"]), row["high"], row["medium"], row["low"]) for row in review.risks["risky_files"]]
    return Table("The files with most (outside of tests)", ("File", "High", "Medium", "Low"), rows, folded=True)


def _finding_tables(review: Review) -> list[Block]:
    tables: list[Block] = []
    for severity in SEVERITIES:
        rows = [
            (Code(f"{found['file']}:{found['line']}"), Code(found["detail"]), "test" if found["in_tests"] else "")
            for found in review.risks["findings"]
            if found["severity"] == severity
        ]
        caption = f"{severity.capitalize()} severity: {counted(len(rows), 'place')} listed"
        tables.append(Table(caption, ("Where", "What", ""), rows, folded=severity != "high"))
    if review.risks["truncated"]:
        tables.append(
            paragraph(
                f"Of {review.risks['total']:,} places {len(review.risks['findings']):,} are listed: code before tests, "
                f"the worst first, at most {MAX_LISTED_PER_RULE} of one pattern."
            )
        )
    return tables


def _badge(severity: Severity) -> Badge:
    return Badge(severity, _SEVERITY_TONE[severity])
