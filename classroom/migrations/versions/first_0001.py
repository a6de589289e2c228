"""Ledger, roster, lectures and staff"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "branches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=640), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["branches.id"], name=op.f("fk_branches_parent_branches")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branches")),
        sa.UniqueConstraint("path", name=op.f("uq_branches_path")),
    )
    op.create_index(op.f("ix_branches_parent"), "branches", ["parent"])

    op.create_table(
        "facts",
        sa.Column("lecture", sa.String(length=64), nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("happened", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lecture", "row", name=op.f("pk_facts")),
        sa.UniqueConstraint("node", "boot", "counter", name=op.f("uq_facts_node")),
    )
    op.create_table(
        "heads",
        sa.Column("lecture", sa.String(length=64), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lecture", name=op.f("pk_heads")),
    )
    op.create_table(
        "lectures",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=True),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lectures")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("branch", sa.String(length=640), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("branch", sa.Integer(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_digest", sa.LargeBinary(), nullable=True),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["branch"], ["branches.id"], name=op.f("fk_members_branch_branches")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_branch"), "members", ["branch"])
    op.create_index(op.f("ix_members_phone_digest"), "members", ["phone_digest"])

    op.create_table(
        "staff_sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.String(length=32), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff"], ["staff.id"], name=op.f("fk_staff_sessions_staff_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_staff_sessions")),
    )
    op.create_index(op.f("ix_staff_sessions_expires"), "staff_sessions", ["expires"])
    op.create_index(op.f("ix_staff_sessions_staff"), "staff_sessions", ["staff"])

    op.create_table(
        "invitations",
        sa.Column("lecture", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["members.id"], name=op.f("fk_invitations_member_members")),
        sa.PrimaryKeyConstraint("lecture", "member", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_member"), "invitations", ["member"])


def downgrade() -> None:
    op.drop_index(op.f("ix_invitations_member"), table_name="invitations")

    op.drop_table("invitations")
    op.drop_index(op.f("ix_staff_sessions_staff"), table_name="staff_sessions")
    op.drop_index(op.f("ix_staff_sessions_expires"), table_name="staff_sessions")

    op.drop_table("staff_sessions")
    op.drop_index(op.f("ix_members_phone_digest"), table_name="members")
    op.drop_index(op.f("ix_members_branch"), table_name="members")

    op.drop_table("members")
    op.drop_table("staff")
    op.drop_table("lectures")
    op.drop_table("heads")
    op.drop_table("facts")
    op.drop_index(op.f("ix_branches_parent"), table_name="branches")

    op.drop_table("branches")
