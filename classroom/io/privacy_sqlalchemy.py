"""What people wrote, taken out of the rooms' journals, of objections and of reasons: one person's, or everything of
lectures long past."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from sqlalchemy import Select, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import available
from attendance.io.sites_sqlalchemy import sites
from attendance.io.tables_sqlalchemy import facts, heads
from attendance.roster import ERASED
from classroom.io.journal_sqlalchemy import Journal, journal
from classroom.io.objections_sqlalchemy import objections, reasons
from classroom.io.store_sqlalchemy import lectures
from classroom.room.journal import Entry, OrderSet

PERSONAL = ("name", "branch", "text", "caller")
SHOWN_OF_OTHERS = ("MemberMuted", "MemberBarred", "HandSet", "PartSet", "OrderSet")
"""Entries about a person that somebody else may have made."""

Blanked = TypeVar("Blanked", bound=msgspec.Struct)
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


class JournalKeeper:
    """Over an engine that stays the caller's; `waiting`: this process's journal, which writes behind. Every method
    raises `StoreUnavailable`."""

    def __init__(self, engine: AsyncEngine, waiting: Journal | None = None) -> None:
        self._engine = engine
        self._waiting = waiting

    async def erase(self, member: str) -> list[str]:
        """Words and name of a person, also those that are not written yet, and what was written about their attendance;
        that something was said in a room stays, so that numbers have no gap. Answers the lectures in whose rooms there
        was anything."""
        waited: set[str] = set()
        if self._waiting is not None:
            waited = await self._waiting.rewrite(lambda entry: without(entry, member))
        return sorted(waited.union(await self._erase_written(member)))

    async def _erase_written(self, member: str) -> set[str]:
        chosen = or_(journal.c.by == member, journal.c.kind.in_(SHOWN_OF_OTHERS))
        key = (journal.c.lecture == bindparam("where")) & (journal.c.number == bindparam("which"))
        with available():
            async with self._engine.begin() as connection:
                rows = (await connection.execute(select(journal).where(chosen))).all()
                found = [
                    {"where": row.lecture, "which": row.number, "with": msgspec.json.encode(left)}
                    for row in rows
                    if (left := without(_decoder.decode(row.body), member)) is not None
                ]
                for table in (objections, reasons):
                    await connection.execute(delete(table).where(table.c.member == member))
                if found:
                    await connection.execute(update(journal).where(key).values(body=bindparam("with")), found)
        return {str(one["where"]) for one in found}

    async def expire(self, before: int) -> int:
        """What was written of lectures that were made, planned and held before this moment (µs), and what sites of
        theirs were called. Answers how much."""
        old = _old(before)
        with available():
            async with self._engine.begin() as connection:
                gone = [
                    await connection.execute(delete(table).where(table.c.lecture.in_(old)))
                    for table in (journal, objections, reasons, sites)
                ]
        return sum(done.rowcount for done in gone)

    async def recent(self, before: int) -> list[str]:
        """The other lectures."""
        query = select(lectures.c.id).where(lectures.c.id.not_in(_old(before)))
        with available():
            async with self._engine.connect() as connection:
                return [row.id for row in await connection.execute(query)]


def _old(before: int) -> Select[tuple[str]]:
    """Lectures that were made, planned and held before: what the ledger tells of last says until when one was held."""
    planned = func.coalesce(lectures.c.ends, lectures.c.starts, lectures.c.created)
    last = facts.join(heads, (facts.c.lecture == heads.c.lecture) & (facts.c.row == heads.c.row))
    held = select(facts.c.lecture).select_from(last).where(facts.c.happened >= before)
    return select(lectures.c.id).where(lectures.c.created < before, planned < before, lectures.c.id.not_in(held))


def without(entry: Entry, member: str) -> Entry | None:
    """An entry without what names a person; None: it is not about them."""
    if isinstance(entry, OrderSet):
        kept = tuple(_blank(one) if one.member == member else one for one in entry.entries)
        return None if kept == entry.entries else OrderSet(kept)
    if getattr(entry, "member", None) != member:
        return None
    return _blank(entry)


def _blank(one: Blanked) -> Blanked:
    named = {field: "" for field in PERSONAL if getattr(one, field, None)}
    return msgspec.structs.replace(one, **{**named, "name": ERASED} if "name" in named else named)
