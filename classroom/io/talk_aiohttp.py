"""What was said in a lecture, for its organizers: looked through, and as a file of the evening's record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from attendance.roster import BranchPath, Invitation
from classroom.errors import ProtocolError
from classroom.io import transcript_csv, transcript_xlsxwriter
from classroom.io.answer_aiohttp import file_answer, json_answer, language, problems
from classroom.io.lectures_aiohttp import XLSX, scope_of
from classroom.io.session_aiohttp import Guard
from classroom.office import Aside, moment
from classroom.ports import Language, Office
from classroom.room.journal import Journaled
from classroom.room.transcript import MOVES, WRITTEN, Line, Transcript, search
from classroom.room.transcript_rows import Names, Pages

FOUND = 100
"""Lines in one answer."""
SCANNED = 20_000
"""Lines that one request looks through; the next one goes on from there."""
LONGEST_FIND = 100


class Journal(Protocol):
    def read(self, lecture: str, after: int = 0, kinds: Collection[type] | None = None) -> AsyncIterator[Journaled]: ...


class Invitations(Protocol):
    async def invitations(self, lecture: str, scope: BranchPath = ()) -> list[Invitation]: ...


class Staff(Protocol):
    async def names(self, chosen: Collection[str]) -> dict[str, str]:
        """By id, of those among `chosen` who are staff."""


class TalkHandlers:
    def __init__(
        self, office: Office, guard: Guard, journal: Journal, roster: Invitations, staff: Staff, aside: Aside
    ) -> None:
        self._office = office
        self._guard = guard
        self._journal = journal
        self._roster = roster
        self._staff = staff
        self._aside = aside
        self._writers: dict[str, tuple[str, Callable[[Pages, str], bytes]]] = {
            "xlsx": (XLSX, transcript_xlsxwriter.write),
            "csv": ("text/csv; charset=utf-8", lambda pages, title: transcript_csv.write(pages)),
        }

    def routes(self) -> list[web.RouteDef]:
        one = "/api/lectures/{lecture}/talk"
        return [
            web.get(one, problems(self.find)),
            web.get(one + ".{form:xlsx|csv}", problems(self.export)),
        ]

    async def find(self, request: web.Request) -> web.StreamResponse:
        """`?find=` what to look for, nothing finds all; `?after=` the number to go on from."""
        await self._guard.staff(request, "console")
        lecture = request.match_info["lecture"]
        await self._office.lecture(lecture)
        text, after = request.query.get("find", ""), number(request.query.get("after", "0"))
        if len(text) > LONGEST_FIND:
            raise ProtocolError("find")
        written: list[Journaled] = []
        async for journaled in self._journal.read(lecture, after, WRITTEN):
            written.append(journaled)
            if len(written) == SCANNED:
                break
        moves = [journaled async for journaled in self._journal.read(lecture, after, MOVES)]
        lines = await self._aside.run(partial(search, written, moves, text, FOUND))
        further = None
        if len(lines) == FOUND and lines[-1].number < written[-1].number:
            further = lines[-1].number
        elif len(written) == SCANNED:
            further = written[-1].number
        return json_answer({"lines": [shown(line) for line in lines], "next": further})

    async def export(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        lecture, form = request.match_info["lecture"], request.match_info["form"]
        title = (await self._office.lecture(lecture)).title
        transcript = Transcript()
        async for journaled in self._journal.read(lecture):
            transcript.add(journaled)
        names = await self._names(lecture, transcript)
        scope = " / ".join(scope_of(request, staff.branch))
        kind, write = self._writers[form]
        pages = Pages(transcript, names, language(request), scope)
        body = await self._aside.run(partial(write, pages, title))
        return file_answer(body, kind, f"{title} {file_word(language(request))}.{form}")

    async def _names(self, lecture: str, transcript: Transcript) -> Names:
        """Of everybody who did something that is told."""
        moved = (*transcript.lines.values(), *transcript.questions.values())
        doers = {line.moved_by for line in moved} | {poll.by for poll in transcript.polls.values()}
        doers |= {deed.by for deed in transcript.deeds}
        invited = {one.member.id: one.member.name for one in await self._roster.invitations(lecture)}
        others = {doer for doer in doers if doer is not None and doer not in invited}
        return Names({**invited, **await self._staff.names(others)})


def shown(line: Line) -> dict[str, Any]:
    """A line of the answer to a search. `member` is the writer's id: whoever keeps order may point at them by it."""
    return {
        "number": line.number,
        "id": line.id,
        "at": moment(line.at),
        "member": line.author.member,
        "name": line.author.name,
        "branch": line.author.branch,
        "role": line.author.role,
        "text": line.text,
        "reply": line.reply,
        "state": line.state,
    }


def number(text: str) -> int:
    """Raises `ProtocolError`."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ProtocolError("after")
    return int(text)


def file_word(reader: Language) -> str:
    return "talk" if reader == "en" else "发言记录"
