"""What the tables are made of: the names of their constraints, and the types that differ by database."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Integer, MetaData, Text, event

#: Positions sort by their bytes on every database, whatever its collation.
Position = Text().with_variant(Text(collation="C"), "postgresql")
RowId = BigInteger().with_variant(Integer, "sqlite")


class _Jsonb(JSON):
    """PostgreSQL's JSONB, which has an index for labels; SQLAlchemy's own brings all of its PostgreSQL, 45 ms."""

    __visit_name__ = "JSONB"


Labels = JSON().with_variant(_Jsonb(), "postgresql")


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return a CHECK that `column` holds one of an enumeration's values."""
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=column)


#: All tables; constraint names are fixed so that migrations can name them.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def told(**options: Any) -> dict[str, Any]:
    """Return what one database alone is told of a table or an index, by SQLAlchemy's names for it, to be its `info`."""
    return options


def tell_databases() -> None:
    """Pass on the `info` of tables and indexes, of which SQLAlchemy makes its options for one database.

    Whoever makes the tables, or compares them with those of a database, needs it. SQLAlchemy then imports its part of
    either database, 60 ms, and whoever only uses the tables needs one of them.
    """
    for table in METADATA.tables.values():
        table.dialect_kwargs.update(table.info)
        for index in table.indexes:
            index.dialect_kwargs.update(index.info)


@event.listens_for(METADATA, "before_create")
def _tell_databases(*_: object, **__: object) -> None:
    tell_databases()
