"""What staff prepares of an evening and looks up of it later: the running order, and the record of what happened."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from attendance.errors import SheetError
from attendance.ports import Stored
from attendance.roster import Invitation
from attendance.sheet.preview import Person, Refused
from attendance.sheet.rows import Sheet
from classroom.errors import UserError
from classroom.office import Aside, Lectures, moment
from classroom.people import agenda
from classroom.people.agenda import Invited, Unfit, Wanted
from classroom.people.invitations import Door
from classroom.ports import Language, RefusedRow
from classroom.room.journal import Journaled, OrderEntry, OrderSet
from classroom.room.lecture import OVER
from classroom.room.order import LENGTH
from classroom.room.timeline import KINDS, Event, Timeline

KEPT = 16
"""Lectures whose record stays in memory from one look to the next; none of it grows with their members."""


class Roster(Protocol):
    async def invitations(self, lecture: str) -> list[Invitation]: ...

    async def of_members(self, lecture: str, chosen: Collection[str]) -> Sequence[Invitation]: ...

    async def invite_guests(
        self, lecture: str, people: Sequence[Person], language: Language = "zh", by: str | None = None
    ) -> tuple[dict[int, str], tuple[Refused, ...]]:
        """Ids by line, and whom the roster cannot tell apart."""


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        """By id, of those among `chosen` who are staff."""


class Rooms(Protocol):
    async def set_order(self, lecture: str, entries: tuple[OrderEntry, ...], by: str | None) -> None: ...


class Ledger(Protocol):
    def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]: ...


class Journal(Protocol):
    def read(
        self, lecture: str, after: int = 0, kinds: Collection[type] | None = None
    ) -> AsyncIterator[Journaled]: ...  # fmt: skip


class Happened(msgspec.Struct, frozen=True):
    """An event of the record as it is answered (docs/protocol.md §4)."""

    at: datetime.datetime
    kind: str
    until: datetime.datetime | None
    name: str | None
    branch: str | None
    by: str | None
    detail: str | None


class EveningOffice:
    """`by` is whose doing it is, a staff id. Raises `UserError`, `StoreUnavailable`."""

    def __init__(
        self,
        *,
        lectures: Lectures,
        roster: Roster,
        staff: Staff,
        rooms: Rooms,
        ledger: Ledger,
        journal: Journal,
        door: Door,
        aside: Aside,
        read_sheets: Callable[[bytes, str], Sequence[Sheet]],
        new_id: Callable[[], str],
    ) -> None:
        self._lectures = lectures
        self._roster = roster
        self._staff = staff
        self._rooms = rooms
        self._ledger = ledger
        self._journal = journal
        self._door = door
        self._aside = aside
        self._read_sheets = read_sheets
        self._new_id = new_id
        self._records: OrderedDict[str, Timeline] = OrderedDict()

    # --- the running order ---

    async def order(self, lecture: str) -> tuple[OrderEntry, ...]:
        await self._going(lecture, over=True)
        return await self._order(lecture)

    async def set_order(
        self, lecture: str, wanted: Sequence[Wanted], language: Language = "zh", by: str | None = None
    ) -> tuple[OrderEntry, ...]:
        """The whole of it; whoever is not invited is invited as a guest. A line that does not fit refuses all
        (`bad-order`, and its detail says which)."""
        await self._going(lecture)
        fit: list[Wanted] = []
        refused: list[RefusedRow] = []
        for one in wanted:
            try:
                fit.append(agenda.checked(one))
            except Unfit as unfit:
                refused.append(agenda.refused(one.line, unfit, language))
        entries, refused = await self._placed(lecture, fit, refused, language, by, whole=True)
        if refused:
            first = min(refused, key=lambda each: each.line)
            raise UserError("bad-order", f"{first.line}: {first.reason}")
        await self._rooms.set_order(lecture, entries, by)
        return entries

    async def import_order(
        self, lecture: str, name: str, body: bytes, language: Language = "zh", by: str | None = None
    ) -> tuple[tuple[OrderEntry, ...], tuple[RefusedRow, ...]]:
        """The file's lines in place of what was planned; answers what is planned then, and which lines were refused. A
        file with no line that fits changes nothing. `name` is the file's (its ending says xlsx or csv)."""
        await self._going(lecture)
        try:
            lines, refused = await self._aside.run(partial(_lines, self._read_sheets, body, name, language))
        except SheetError as error:
            raise UserError(f"sheet-{error.reason}", error.detail) from error
        before = await self._order(lecture)
        entries, refused = await self._placed(lecture, lines, refused, language, by)
        refusals = tuple(sorted(refused, key=lambda each: each.line))
        if not entries:
            return before, refusals
        await self._rooms.set_order(lecture, entries, by)
        return entries, refusals

    async def _placed(
        self,
        lecture: str,
        wanted: Sequence[Wanted],
        refused: Sequence[RefusedRow],
        language: Language,
        by: str | None,
        whole: bool = False,
    ) -> tuple[tuple[OrderEntry, ...], list[RefusedRow]]:
        """Entries of those lines whose people are known by now, and all refusals. `whole`: nobody is invited unless
        every line fits."""
        beyond = Unfit("order-full", limit=LENGTH)
        refused = [*refused, *(agenda.refused(one.line, beyond, language) for one in wanted[LENGTH:])]
        invited = Invited(await self._roster.invitations(lecture))
        found: dict[int, Invitation | None] = {}
        for one in wanted[:LENGTH]:
            try:
                found[one.line] = invited.find(one)
            except Unfit as unfit:
                refused.append(agenda.refused(one.line, unfit, language))
        strangers = [one for one in wanted[:LENGTH] if one.line in found and found[one.line] is None]
        if whole and refused:
            return (), refused
        ids: dict[int, str] = {}
        if strangers:
            ids, unknown = await self._invite(lecture, strangers, language, by)
            refused += unknown
        known = {each.member.id: each for each in await self._roster.of_members(lecture, set(ids.values()))}
        before = await self._order(lecture)
        entries: list[OrderEntry] = []
        for one in wanted[:LENGTH]:
            invitation = found.get(one.line) or known.get(ids.get(one.line, ""))
            if invitation is not None:
                entries.append(self._entry(one, invitation, before, entries))
        return tuple(entries), refused

    async def _invite(
        self, lecture: str, strangers: Sequence[Wanted], language: Language, by: str | None
    ) -> tuple[dict[int, str], list[RefusedRow]]:
        """Somebody who shares twice is invited once."""
        first: dict[tuple[object, ...], int] = {}
        for one in strangers:
            first.setdefault(_person(one), one.line)
        people = [Person(one.line, one.name, one.branch, one.phone) for one in strangers if one.line in first.values()]
        ids, refused = await self._roster.invite_guests(lecture, people, language, by)
        self._door.forget(lecture)
        found = {one.line: ids[first[_person(one)]] for one in strangers if first[_person(one)] in ids}
        return found, [RefusedRow(each.line, each.reason) for each in refused]

    def _entry(
        self, one: Wanted, invitation: Invitation, before: Sequence[OrderEntry], entries: Sequence[OrderEntry]
    ) -> OrderEntry:
        """It keeps its id where it was there before, by which the room knows who was on already."""
        member = invitation.member
        taken = {each.id for each in entries}
        old = [each for each in before if each.member == member.id and each.id not in taken]
        same = [each for each in old if each.id == one.id] or [each for each in old if each.title == one.title] or old
        identity = same[0].id if same else self._new_id()
        return OrderEntry(identity, member.id, member.name, " / ".join(member.branch), one.title, one.minutes)

    async def _going(self, lecture: str, over: bool = False) -> None:
        row = await self._lectures.get(lecture)
        if row is None:
            raise UserError("no-such-lecture", lecture[:64])
        if row.state in OVER and not over:
            raise UserError("lecture-over", lecture)

    async def _order(self, lecture: str) -> tuple[OrderEntry, ...]:
        order: tuple[OrderEntry, ...] = ()
        async for journaled in self._journal.read(lecture, kinds=(OrderSet,)):
            if isinstance(journaled.entry, OrderSet):
                order = journaled.entry.entries
        return order

    # --- the record ---

    async def timeline(self, lecture: str) -> list[Happened]:
        """What happened, in order. It reads only what came since it was asked last."""
        await self._going(lecture, over=True)
        record = self._records.pop(lecture, None) or Timeline()
        # Taken out while it is read: whoever asks meanwhile reads one of their own.
        async for stored in self._ledger.read(lecture, record.row):
            record.row = stored.row
            record.fact(stored.fact)
        async for journaled in self._journal.read(lecture, record.number, KINDS):
            record.entry(journaled)
        self._records[lecture] = record
        while len(self._records) > KEPT:
            self._records.popitem(last=False)
        events = record.events()
        names = await self._names(lecture, {event.by for event in events if event.by is not None and not event.named})
        return [_happened(event, names) for event in events]

    async def _names(self, lecture: str, chosen: Collection[str]) -> dict[str, str]:
        names = await self._staff.names(chosen) if chosen else {}
        strangers = [each for each in chosen if each not in names]
        invitations = await self._roster.of_members(lecture, strangers) if strangers else []
        return {**names, **{one.member.id: one.member.name for one in invitations}}


def _happened(event: Event, names: Mapping[str, str]) -> Happened:
    at = moment(event.at)
    assert at is not None
    by = event.by if event.named or event.by is None else names.get(event.by)
    return Happened(at, event.kind, moment(event.until), event.name, event.branch, by, event.detail)


def _person(one: Wanted) -> tuple[object, ...]:
    return one.name, one.branch, one.phone


def _lines(
    read_sheets: Callable[[bytes, str], Sequence[Sheet]], body: bytes, name: str, language: Language
) -> tuple[list[Wanted], list[RefusedRow]]:
    """The part of an import that takes CPU."""
    return agenda.read(read_sheets(body, name), language)
