"""Who was invited to a lecture that is over, as they were then"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COPIED = ("name", "path", "phone", "city")


def _columns(*names: str) -> list[sa.ColumnClause[object]]:
    return [sa.column(name) for name in names]


def upgrade() -> None:
    op.add_column("invitations", sa.Column("name", sa.String(length=64), nullable=True))
    op.add_column("invitations", sa.Column("path", sa.String(length=640), nullable=True))
    op.add_column("invitations", sa.Column("phone", sa.LargeBinary(), nullable=True))
    op.add_column("invitations", sa.Column("city", sa.String(length=64), nullable=True))
    # Of lectures that are over already, today's is the best that is known.
    invitations = sa.table("invitations", *_columns("lecture", "member", *COPIED))
    members = sa.table("members", *_columns("id", "branch", "name", "phone", "city"))
    branches = sa.table("branches", *_columns("id", "path"))
    lectures = sa.table("lectures", *_columns("id", "state"))
    of_member = members.c.id == invitations.c.member
    values = {name: sa.select(members.c[name]).where(of_member).scalar_subquery() for name in ("name", "phone", "city")}
    path = sa.select(branches.c.path).where(of_member, branches.c.id == members.c.branch).scalar_subquery()
    over = sa.select(lectures.c.id).where(lectures.c.state.in_(("ended", "published")))
    op.execute(invitations.update().where(invitations.c.lecture.in_(over)).values(**values, path=path))


def downgrade() -> None:
    with op.batch_alter_table("invitations") as invitations:
        for name in ("city", "phone", "path", "name"):
            invitations.drop_column(name)
