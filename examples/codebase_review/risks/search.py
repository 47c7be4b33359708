"""Finding risky patterns in a tree of files: counted in full, listed up to a limit, the worst first."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, TypedDict

from ..budget import within
from ..file_kinds import is_test
from ..source import Problem, parsed_files
from .reader import Hit, RiskReader
from .rules import RULES, SEVERITIES, Severity

#: Limits of the output.
MAX_FINDINGS: Final = 400
MAX_FINDINGS_BYTES: Final = 120_000
#: Of one rule this many are listed, lest a habit of the code hide everything else.
MAX_LISTED_PER_RULE: Final = 60
MAX_RISKY_FILES: Final = 15
MAX_DETAIL_CHARS: Final = 100


class Finding(TypedDict):
    """One risky place."""

    rule: str
    severity: Severity
    file: str
    line: int
    detail: str
    in_tests: bool


class RuleCount(TypedDict):
    """How often a rule applies outside of tests, and in them."""

    rule: str
    severity: Severity
    title: str
    advice: str
    count: int
    in_tests: int
    files: int


class RiskyFile(TypedDict):
    """A file and how many findings of each severity it has."""

    file: str
    high: int
    medium: int
    low: int


class Risks(TypedDict):
    """What the sentinel hands on; `by_severity` counts what stands outside of tests."""

    files: int
    total: int
    in_tests: int
    by_severity: dict[Severity, int]
    rules: list[RuleCount]
    risky_files: list[RiskyFile]
    findings: list[Finding]
    truncated: bool
    unparsed: int


def find_risks(root: str, paths: Iterable[str]) -> Risks:
    """Look for every rule's pattern in the files `paths` below `root`."""
    findings: list[Finding] = []
    problems: list[Problem] = []
    files = 0
    for path, tree in parsed_files(root, paths, problems):
        files += 1
        in_tests = is_test(path)
        hits = RiskReader(tree, in_tests=in_tests).hits()
        findings.extend(_finding(path, hit, in_tests=in_tests) for hit in hits)
    return _risks(findings, files, len(problems))


def _finding(path: str, hit: Hit, *, in_tests: bool) -> Finding:
    return Finding(
        rule=hit.code,
        severity=RULES[hit.code].severity,
        file=path,
        line=hit.line,
        detail=hit.detail[:MAX_DETAIL_CHARS],
        in_tests=in_tests,
    )


def _risks(findings: list[Finding], files: int, unparsed: int) -> Risks:
    outside = [finding for finding in findings if not finding["in_tests"]]
    severities = Counter(finding["severity"] for finding in outside)
    listed = within(_first_of_each_rule(sorted(findings, key=_order)), MAX_FINDINGS, MAX_FINDINGS_BYTES)
    return Risks(
        files=files,
        total=len(findings),
        in_tests=len(findings) - len(outside),
        by_severity={severity: severities[severity] for severity in SEVERITIES},
        rules=_rule_counts(findings),
        risky_files=_risky_files(outside),
        findings=listed,
        truncated=len(listed) < len(findings),
        unparsed=unparsed,
    )


def _order(finding: Finding) -> tuple[bool, int, str, int]:
    """Code outside of tests first; then the worst severity; then by place."""
    return finding["in_tests"], SEVERITIES.index(finding["severity"]), finding["file"], finding["line"]


def _first_of_each_rule(findings: list[Finding]) -> list[Finding]:
    taken: Counter[str] = Counter()
    kept: list[Finding] = []
    for finding in findings:
        taken[finding["rule"]] += 1
        if taken[finding["rule"]] <= MAX_LISTED_PER_RULE:
            kept.append(finding)
    return kept


def _rule_counts(findings: list[Finding]) -> list[RuleCount]:
    counts = Counter((finding["rule"], finding["in_tests"]) for finding in findings)
    files = Counter(rule for rule, _ in {(finding["rule"], finding["file"]) for finding in findings})
    rows = [
        RuleCount(
            rule=rule.code,
            severity=rule.severity,
            title=rule.title,
            advice=rule.advice,
            count=counts[rule.code, False],
            in_tests=counts[rule.code, True],
            files=files[rule.code],
        )
        for rule in RULES.values()
    ]
    return [row for row in rows if row["files"]]


def _risky_files(findings: list[Finding]) -> list[RiskyFile]:
    counts: dict[str, Counter[Severity]] = {}
    for finding in findings:
        counts.setdefault(finding["file"], Counter())[finding["severity"]] += 1
    rows = [
        RiskyFile(file=file, high=count["high"], medium=count["medium"], low=count["low"])
        for file, count in counts.items()
    ]
    rows.sort(key=lambda row: (-row["high"], -row["medium"], -row["low"], row["file"]))
    return within(rows, MAX_RISKY_FILES, MAX_FINDINGS_BYTES // 8)
