"""A column as a statement asks for it that finds its rows otherwise: by their keys, and by no index of this column."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from questline_persistence.dialects.chosen import dialect_named


class Unindexed(FunctionElement[str]):
    """A column of text, in whose stead each dialect writes what none of its indexes knows.

    Parameters:
      column: the column.
    """

    name = "unindexed"
    type = Text()
    inherit_cache = True


@compiles(Unindexed)
def _written(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    """Return the column as the dialect writes it that the statement is compiled for; for no dialect of ours, itself."""
    column = compiler.process(element.clauses, **options)
    dialect = dialect_named(compiler.dialect.name)
    return column if dialect is None else dialect.unindexed(column)
