"""Every table of the database, those of attendance and ours: a backup that does not know a table would lose it."""

from __future__ import annotations

import attendance.io.roster_changes_sqlalchemy
import attendance.io.sites_sqlalchemy
import attendance.io.year_sqlalchemy  # noqa: F401 - all of them define tables
import classroom.io.audit_sqlalchemy
import classroom.io.homes_sqlalchemy
import classroom.io.journal_sqlalchemy
import classroom.io.objections_sqlalchemy
import classroom.io.store_sqlalchemy
import classroom.io.tokens_sqlalchemy  # noqa: F401 - all of them define tables
from attendance.io.tables_sqlalchemy import metadata

__all__ = ["metadata"]
