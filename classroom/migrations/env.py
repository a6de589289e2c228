"""What alembic runs: our tables, on the connection that `classroom.io.migrate_alembic` gives."""

from __future__ import annotations

from alembic import context

import attendance.io.roster_changes_sqlalchemy
import attendance.io.year_sqlalchemy  # noqa: F401 - defines tables
import classroom.io.audit_sqlalchemy
import classroom.io.homes_sqlalchemy
import classroom.io.journal_sqlalchemy
import classroom.io.store_sqlalchemy  # noqa: F401 - defines tables
from attendance.io.tables_sqlalchemy import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
