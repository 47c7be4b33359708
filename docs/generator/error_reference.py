"""The catalogue of errors by code: from the classes, their docstrings, and what the command line makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from docstrings import on_one_line, read
from public_names import HOMES, SAME
from tables import table, wrapped

import questline.cli.app  # noqa: F401  (so that every class of errors is there)
import questline_worker.green_threads
import questline_worker.lords  # noqa: F401  (as above)
from questline.cli.exit_codes import MEANINGS, ExitCode
from questline.cli.failures import explain
from questline_persistence.errors import QuestFailed, QuestlineError


def errors_part() -> str:
    """Return the table of all codes."""
    rows = []
    for code, classes in by_code().items():
        exits = ", ".join(str(exit_code.value) for exit_code in _exit_codes(classes[0]))
        names = ", ".join(f"`{kind.__name__}`" for kind in classes if _is_public(kind))
        rows.append((f"[`{code}`](#{code})", exits, names, read(classes[0]).summary))
    return table(("code", "exit code", "in Python", "meaning"), rows)


def public_errors_part() -> str:
    """Return the table of the errors that can be imported, with a link to each in the catalogue."""
    classes = [kind for kinds in by_code().values() for kind in kinds if _is_public(kind)]
    rows = [(f"`{kind.__name__}`", f"[`{kind.code}`](errors.md#{kind.code})", read(kind).summary) for kind in classes]
    return table(("error", "code", "meaning"), rows)


def catalogue_part() -> str:
    """Return what is to be known of each code."""
    return "\n\n".join(block for code, classes in by_code().items() for block in _entry(code, classes))


def by_code() -> dict[str, list[type[QuestlineError]]]:
    """Return all classes of errors by their code, those that can be imported from `questline` first."""
    found: dict[str, list[type[QuestlineError]]] = {}
    for kind in sorted(_with_subclasses(QuestlineError), key=lambda kind: (kind.code, _home(kind), kind.__name__)):
        found.setdefault(kind.code, []).append(kind)
    return found


def _with_subclasses(kind: type[QuestlineError]) -> Iterator[type[QuestlineError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _with_subclasses(subclass)


def _entry(code: str, classes: list[type[QuestlineError]]) -> Iterator[str]:
    """Yield the blocks of one code: its exit codes, then of each class how to catch it, when it comes, what to do."""
    exits = _exit_codes(classes[0])
    yield f"## `{code}`"
    if len(exits) == 1:
        yield f"Exit code {exits[0].value}."
    else:
        yield f"Exit code {'; '.join(f'{one.value}: {MEANINGS[one]}' for one in exits)}."
    for kind in classes:
        said = read(kind)
        facts = [
            f"- **In Python**: {_caught(kind)}",
            f"- **When**: {' '.join((said.summary, *said.text))}",
            f"- **What to do**: {on_one_line(said.sections['What to do'])}",
        ]
        yield "\n".join(wrapped(fact, indent="  ") for fact in facts)


def _caught(kind: type[QuestlineError]) -> str:
    """Return how a class is caught in Python."""
    if _is_public(kind):
        others = ", ".join(f"`{name}`" for name, same in SAME.items() if same == kind.__name__)
        return f"`{kind.__name__}`" + (f"; in `questline.memory` also {others}" if others else "")
    public = next(parent for parent in kind.__mro__ if issubclass(parent, QuestlineError) and _is_public(parent))
    where = "only on the command line" if kind.__module__.startswith("questline.") else f"caught as `{public.__name__}`"
    return f"`{kind.__name__}`, {where}"


def _exit_codes(kind: type[QuestlineError]) -> list[ExitCode]:
    """Return with which codes the command line ends because of an error."""
    made = [kind("", status=status) for status in ("failed", "paused")] if issubclass(kind, QuestFailed) else [kind("")]
    return [ExitCode(explain(error).exit_code) for error in made]


def _home(kind: type[QuestlineError]) -> int:
    """Return the place, among the homes of public names, of a class's home; that of a class without one comes last."""
    return next((place for place, home in enumerate(HOMES) if kind.__name__ in home.__all__), len(HOMES))


def _is_public(kind: type[QuestlineError]) -> bool:
    return _home(kind) < len(HOMES)
