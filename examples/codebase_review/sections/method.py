"""How the numbers came about, what they leave out, and the files that resisted."""

from typing import Final

from ..paper.document import Code, Items, Section, Table
from ..review import Review
from ..wording import counted


def method_section(review: Review) -> Section:
    """Return how the numbers came about, what they leave out, and the files that resisted."""
    survey, functions = review.survey, review.functions
    unparsed = [(Code(row["file"]), row["line"], row["error"]) for row in functions["unparsed"]]
    encodings = [(Code(row["file"]), row["error"]) for row in survey["encoding_problems"]]
    unread = [(Code(path), "cannot be read") for path in survey["unreadable"]]
    unread += [(Code(path), "too large, not analysed") for path in survey["too_large"]]
    return Section(
        "Method and limits",
        [
            Items([[line] for line in (*_METHOD, *_left_out(review))]),
            Table(f"Files that do not parse: {functions['unparsed_total']:,}", ("File", "Line", "Error"), unparsed),
            Table(
                f"Files with a doubtful encoding: {survey['encoding_problems_total']:,}", ("File", "Problem"), encodings
            ),
            Table(
                f"Files left unread: {survey['unreadable_total'] + len(survey['too_large']):,}", ("File", "Why"), unread
            ),
        ],
    )


_METHOD: Final = (
    "Nothing was imported or run: every finding comes from the names, the bytes and the syntax trees of the files.",
    "Lines: a docstring is code, a comment after code is code, a comment that has its line for itself is comment.",
    (
        "Complexity: 1, plus 1 for each if, elif, for, while, except, conditional expression, for and if of a "
        "comprehension, case that can fail to match, and further operand of and / or. Nested functions are measured "
        "by themselves."
    ),
    (
        "Imports: edges lead to the most specific module of the tree that a statement names. Imports under "
        "TYPE_CHECKING never close a cycle; imports built at run time (importlib, __import__) are not seen."
    ),
    (
        "Risks: names are followed through import statements, not through assignments. Passwords and tokens are "
        "guessed from names and forms, and their values are not shown."
    ),
)


def _left_out(review: Review) -> list[str]:
    """Return what this very review did not look at."""
    survey = review.survey
    folders = counted(survey["folders_skipped"], "folder")
    links = counted(survey["links_skipped"], "symbolic link")
    lines = [f"Left out: {folders} of tools and caches or excluded by name, {links} (never followed)."]
    if survey["truncated"]:
        listed = len(survey["python_files"]["paths"])
        lines.append(
            f"Dependencies, functions and risks cover {listed:,} of the {survey['python_total']:,} Python files: "
            "the list that the Lords hand on is bounded, and tests are left out first."
        )
    if survey["stopped_early"]:
        lines.append(f"The walk stopped after {survey['files_total']:,} files; the tree holds more.")
    return lines
