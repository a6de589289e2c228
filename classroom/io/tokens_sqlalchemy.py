"""Tokens by which programs read attendance, in a database; what is stored of one is its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.roster_rows_sqlalchemy import SEPARATOR, split_path
from attendance.io.tables_sqlalchemy import metadata
from classroom.io.store_sqlalchemy import StaffBranches, staff
from classroom.people.token import USED_WITHIN, ApiToken

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("staff", ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("branch", String(640), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=True),
)
"""Times in µs since the epoch, UTC. `digest` is SHA-256 of the token: a copy of the database reads nothing. `branch`:
what it sees, with all below it."""

_TOKENS: Select[Any] = select(api_tokens, staff.c.name.label("owner")).join(staff, api_tokens.c.staff == staff.c.id)


_BELOW = func.substr(api_tokens.c.branch, 1, func.length(staff.c.branch) + len(SEPARATOR)) == staff.c.branch + SEPARATOR
_SEEN = or_(staff.c.branch == "", api_tokens.c.branch == staff.c.branch, _BELOW)
"""Its owner may have been bound to another branch since."""


class Tokens:
    """Over an engine that stays the caller's. Raises `StoreUnavailable`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, token: ApiToken, secret: str) -> None:
        values = {
            "id": token.id,
            "digest": _digest(secret),
            "name": token.name,
            "staff": token.staff,
            "branch": SEPARATOR.join(token.branch),
            "created": token.created,
            "expires": token.expires,
        }
        with available():
            async with self._engine.begin() as connection:
                await connection.execute(api_tokens.insert().values(values))

    async def all(self) -> list[ApiToken]:
        """The newest first; those that have expired too."""
        return [_token(row) for row in await self._find(_TOKENS.order_by(api_tokens.c.created.desc()))]

    async def find(self, secret: str, now: int) -> ApiToken | None:
        """Whose secret that is, while it holds and its owner sees its branch; its use is noted, once a minute."""
        chosen = (api_tokens.c.digest == _digest(secret)) & (api_tokens.c.expires > now) & _SEEN
        found = await self._find(_TOKENS.where(chosen))
        if not found:
            return None
        token = _token(found[0])
        if token.used is None or now - token.used >= USED_WITHIN:
            with available():
                async with self._engine.begin() as connection:
                    statement = update(api_tokens).where(api_tokens.c.id == token.id)
                    await connection.execute(statement.values(used=now))
        return token

    async def remove(self, token: str) -> bool:
        """Whether there was such a one."""
        with available():
            async with self._engine.begin() as connection:
                gone = await connection.execute(delete(api_tokens).where(api_tokens.c.id == token))
        return bool(gone.rowcount)

    async def _find(self, query: Select[Any]) -> list[Row[Any]]:
        with available():
            async with self._engine.connect() as connection:
                await connection.execution_options(**READ_ONLY)
                return list((await connection.execute(query)).all())


class TokenBranches(StaffBranches):
    """As `StaffBranches`, and what their tokens see goes along."""

    async def renamed(self, connection: AsyncConnection, old: str, new: str) -> tuple[tuple[str, str], ...]:
        bound = await super().renamed(connection, old, new)
        at = or_(api_tokens.c.branch == old, api_tokens.c.branch.startswith(old + SEPARATOR, autoescape=True))
        rows = (await connection.execute(select(api_tokens.c.id, api_tokens.c.branch).where(at))).all()
        await self.restored(connection, [(_KEY + row.id, new + row.branch[len(old) :]) for row in rows])
        return (*bound, *((_KEY + row.id, row.branch) for row in rows))

    async def restored(self, connection: AsyncConnection, rows: Sequence[tuple[str, str]]) -> None:
        await super().restored(connection, [row for row in rows if not row[0].startswith(_KEY)])
        for key, branch in rows:
            if key.startswith(_KEY):
                statement = update(api_tokens).where(api_tokens.c.id == key.removeprefix(_KEY))
                await connection.execute(statement.values(branch=branch))


_KEY = "token "


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(row.id, row.name, row.staff, row.owner, split_path(row.branch), row.created, row.expires, row.used)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
