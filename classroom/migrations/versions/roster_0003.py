"""Where members live, what else a spreadsheet said of them, who left, and what was done to the roster"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("city", sa.String(length=64), nullable=True))
    op.add_column("members", sa.Column("extra", sa.Text(), nullable=True))
    op.add_column("members", sa.Column("left", sa.BigInteger(), nullable=True))
    op.create_table(
        "roster_changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=True),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("lecture", sa.String(length=64), nullable=True),
        sa.Column("scope", sa.String(length=640), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=True),
        sa.Column("undo", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_changes")),
    )
    op.create_index(op.f("ix_roster_changes_at"), "roster_changes", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_roster_changes_at"), table_name="roster_changes")

    op.drop_table("roster_changes")
    with op.batch_alter_table("members") as members:
        members.drop_column("left")
        members.drop_column("extra")
        members.drop_column("city")
