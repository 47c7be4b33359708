"""Reading Python sources: bytes to text, bytes to syntax trees; a file that resists is described, not raised."""

import ast
import io
import re
import threading
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

#: The message about a file that cannot be parsed is cut to this many characters.
MAX_ERROR_CHARS: Final = 160

# Changing the warning filters is not safe between threads, and a worker runs several Lords at once.
_FILTERS = threading.Lock()
# Strings first, so that a `#` inside one is not taken for a comment. The possessive quantifiers (`*+`) keep
# the match linear: a string of a megabyte costs no backtracking.
_STRING_OR_COMMENT: Final = re.compile(
    r"""'''(?:[^'\\]++|\\.|'(?!''))*+'''|\"\"\"(?:[^"\\]++|\\.|"(?!""))*+\"\"\""""
    r"""|'(?:[^'\\\n]++|\\.)*+'|"(?:[^"\\\n]++|\\.)*+"|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)


class Problem(TypedDict):
    """A file that could not be analysed: where and why."""

    file: str
    line: int
    error: str


class LineCount(NamedTuple):
    """The lines of one file; a docstring is code, a comment after code is code."""

    code: int
    comment: int
    blank: int


class ParsedFile(NamedTuple):
    """A file and its syntax tree."""

    path: str
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Text:
    """A decoded source; `problem` says what was wrong with its encoding, if anything was."""

    text: str
    problem: str | None = None


def decode(data: bytes) -> Text:
    """Decode as Python would (PEP 263); what Python would refuse is read as Latin-1, which never fails."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return Text(data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n"))
    except (SyntaxError, ValueError, LookupError) as error:
        return Text(data.decode("latin-1"), str(error)[:MAX_ERROR_CHARS])


def count_lines(text: str) -> LineCount:
    """Count the lines of code, of comment alone, and of nothing."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    blank = sum(1 for line in lines if not line.strip())
    comment = sum(1 for _ in _lone_comments(text))
    return LineCount(len(lines) - blank - comment, comment, blank)


def _lone_comments(text: str) -> Iterator[int]:
    """Yield where each comment starts that has its line for itself."""
    for match in _STRING_OR_COMMENT.finditer(text):
        start = match.start("comment")
        if start >= 0 and not text[text.rfind("\n", 0, start) + 1 : start].strip():
            yield start


def parse(data: bytes) -> ast.Module:
    """Parse a source; warnings about it (an invalid escape, say) are not ours to print, nor to fail on."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data)


def parsed_files(root: str, paths: Iterable[str], problems: list[Problem]) -> Iterator[ParsedFile]:
    """Yield every file that parses, one tree in memory at a time; append the others to `problems`."""
    folder = Path(root)
    for path in paths:
        try:
            tree = parse((folder / path).read_bytes())
        except SyntaxError as error:
            problems.append(Problem(file=path, line=error.lineno or 0, error=error.msg[:MAX_ERROR_CHARS]))
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            # ValueError: null bytes; the last two: nesting deeper than the parser can take.
            problems.append(Problem(file=path, line=0, error=_described(error)))
        else:
            yield ParsedFile(path, tree)


def _described(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return f"{type(error).__name__}: {text}"[:MAX_ERROR_CHARS]


def walk_tree(root: ast.AST) -> Iterator[ast.AST]:
    """Yield every node below and including `root`, in no promised order.

    `ast.walk` does the same at half the speed: it asks each node for its fields by name, and it visits
    the `Load()` and `Store()` marks, which say nothing here.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(children(node))


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly below `node`."""
    below: list[ast.AST] = []
    for value in vars(node).values():
        if type(value) is list:
            below.extend([item for item in value if isinstance(item, ast.AST)])
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            below.append(value)
    return below


def dotted_name(node: ast.AST) -> str | None:
    """Return `a.b.c` for such an expression, None for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])
