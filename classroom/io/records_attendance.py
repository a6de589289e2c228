"""Where records read facts and have them stored: from the rooms of a running service, or from the ledger alone."""

from __future__ import annotations

from attendance.facts import Body, NodeStarted, NodeStopped
from attendance.ports import Ledger, Recorder
from attendance.presence import Presence
from classroom.errors import UserError
from classroom.io.errands_asyncio import Errands
from classroom.io.rooms_asyncio import Rooms
from classroom.office import Lectures


class RoomFacts:
    """Implements `classroom.records.Facts` beside the rooms."""

    def __init__(self, rooms: Rooms, errands: Errands) -> None:
        self._rooms = rooms
        self._errands = errands

    async def presence(self, lecture: str) -> Presence:
        return await self._rooms.presence(lecture)

    async def store(self, lecture: str, body: Body) -> None:
        await self._errands.store(lecture, body, None)


class LedgerFacts:
    """Implements `classroom.records.Facts` where no service runs. The node says that it started, and closes with that
    whatever a crash left open, and that it stopped."""

    def __init__(self, ledger: Ledger, recorder: Recorder, lectures: Lectures) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._lectures = lectures

    async def presence(self, lecture: str) -> Presence:
        if await self._lectures.get(lecture) is None:
            raise UserError("no-such-lecture", lecture[:64])
        presence = Presence()
        async for stored in self._ledger.read(lecture):
            presence.apply(stored.fact, stored.row)
        return presence

    async def store(self, lecture: str, body: Body) -> None:
        for each in (NodeStarted(), body, NodeStopped()):
            await self._recorder.record(lecture, each)
