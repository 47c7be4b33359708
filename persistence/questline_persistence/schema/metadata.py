"""What the tables are made of: the names of their constraints, and the types that differ by database."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

#: Positions sort by their bytes on every database, whatever its collation.
Position = Text().with_variant(Text(collation="C"), "postgresql")
RowId = BigInteger().with_variant(Integer, "sqlite")
#: The words of a text, where the database can index them; elsewhere an index of its own holds them.
Tokens = Text().with_variant(TSVECTOR(), "postgresql")
Labels = JSON().with_variant(JSONB(), "postgresql")


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
