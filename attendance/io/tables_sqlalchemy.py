"""The tables of ledger and roster. Every other table of the service shares `metadata`, so one history migrates all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Octets(TypeDecorator[bytes]):
    """Bytes that can be read back even where a hand edit left text in SQLite's column: the chain must name such a row,
    not fail to read it."""

    impl = LargeBinary
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], bytes | None]:
        def process(value: Any) -> bytes | None:
            return str(value).encode("utf-8", "surrogateescape") if isinstance(value, (str, int, float)) else value

        return process


facts = Table(
    "facts",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("node", String(64), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("happened", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("body", Octets, nullable=False),
    Column("previous", Octets, nullable=False),
    Column("hash", Octets, nullable=False),
    UniqueConstraint("node", "boot", "counter"),
)
"""The ledger. Append-only: nothing in the program updates or deletes a row. Times are µs since the epoch, UTC."""

heads = Table(
    "heads",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("row", BigInteger, nullable=False),
    Column("hash", Octets, nullable=False),
)
"""The last row of each lecture: locked by who appends."""
