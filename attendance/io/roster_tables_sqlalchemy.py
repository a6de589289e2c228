"""The tables of the roster: branches as a tree, members, and who is invited to which lecture."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from attendance.io.tables_sqlalchemy import metadata

branches = Table(
    "branches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent", ForeignKey("branches.id"), nullable=True, index=True),
    Column("name", String(64), nullable=False),
    Column("path", String(640), nullable=False, unique=True),
)
"""`path` joins the names from the top with " / "; "" is the root."""

members = Table(
    "members",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("branch", ForeignKey("branches.id"), nullable=False, index=True),
    Column("phone", LargeBinary, nullable=True),
    Column("phone_digest", LargeBinary, nullable=True, index=True),
    Column("added", BigInteger, nullable=False),
    Column("city", String(64), nullable=True),
    Column("extra", Text, nullable=True),
    Column("left", BigInteger, nullable=True),
)
"""`phone` is sealed by `PhoneVault`; `added` and `left` in µs since the epoch, UTC. `left`: in no branch since then.
`extra`: what a spreadsheet's other columns said, as JSON."""

invitations = Table(
    "invitations",
    metadata,
    Column("lecture", String(64), primary_key=True),
    Column("member", ForeignKey("members.id"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
    Column("serial", Integer, nullable=False),
    Column("name", String(64), nullable=True),
    Column("path", String(640), nullable=True),
    Column("phone", LargeBinary, nullable=True),
    Column("city", String(64), nullable=True),
)
"""`name`, `path` (of the branch), `phone` (sealed) and `city` are null until the lecture is over, and then stay what
the member's were (`roster_rolls_sqlalchemy`)."""
