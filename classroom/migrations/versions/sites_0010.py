"""Sites where members watch together"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lecture", sa.String(length=64), nullable=False),
        sa.Column("branch", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=32), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["branch"], ["branches.id"], name=op.f("fk_sites_branch_branches")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    op.create_index(op.f("ix_sites_host"), "sites", ["host"])
    op.create_index(op.f("ix_sites_lecture"), "sites", ["lecture"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sites_lecture"), table_name="sites")
    op.drop_index(op.f("ix_sites_host"), table_name="sites")

    op.drop_table("sites")
