"""Rooms over stores and a relay that live in memory, and a channel on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from attendance.facts import Body, Fact, LectureState
from attendance.ports import Stored
from attendance.roster import BranchPath, Invitation, Member
from classroom.admission import TicketAdmission
from classroom.evidence import Witness
from classroom.io.channel_aiohttp import Channel
from classroom.io.clock_time import SystemClock
from classroom.io.errands_asyncio import Errands
from classroom.io.relay_asyncio import RelayFollower
from classroom.io.rooms_asyncio import Rooms
from classroom.io.session_aiohttp import COOKIE, ConsoleDoor, CookieGuard
from classroom.people.invitations import Door
from classroom.people.staff import Signed, StaffMember
from classroom.people.ticket import TicketSigner
from classroom.room.journal import Journaled
from classroom.room.messages import Quality
from signaling.control import Audience, Closing, Event, Load, OpenPeer
from signaling.ports import Grant, RelayDown, RelayUp
from signaling.session.answer import Answer
from signaling.session.offer import Offer
from signaling.session.turnstile import Turnstile

LECTURE = "lecture1"
HOUR = 3_600_000_000
PROOFS = bytes(32)


class Recorder:
    """Keeps facts in order, and shows each to `rooms` as if it were stored."""

    def __init__(self, clock: SystemClock) -> None:
        self.facts: list[Fact] = []
        self.follower: Any = None
        self._clock = clock

    async def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        time = self._clock.now() if happened is None else happened
        fact = Fact(lecture, "node", "boot", len(self.facts) + 1, time, body)
        self.facts.append(fact)
        await asyncio.sleep(0)
        self.follower(fact)

    def bodies(self, kind: type[Any]) -> list[Any]:
        return [fact.body for fact in self.facts if isinstance(fact.body, kind)]


class Store:
    def __init__(self, facts: Sequence[Fact] = ()) -> None:
        self.facts = list(facts)

    async def append(self, facts: Sequence[Fact]) -> None:
        self.facts.extend(facts)

    async def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        for row, fact in enumerate(self.facts, 1):
            if fact.lecture == lecture and row > after:
                yield Stored(row, fact, fact.happened, b"", b"")


class Journal:
    def __init__(self) -> None:
        self.kept: list[tuple[str, Journaled]] = []

    def append(self, lecture: str, journaled: Journaled) -> None:
        self.kept.append((lecture, journaled))

    async def read(self, lecture: str) -> AsyncIterator[Journaled]:
        for owner, journaled in tuple(self.kept):
            if owner == lecture:
                yield journaled


@dataclass
class Lecture:
    title: str = "讲座"
    starts: int | None = None
    ends: int | None = None
    state: LectureState = LectureState.PLANNED


class Lectures:
    def __init__(self) -> None:
        self.rows = {LECTURE: Lecture(), "other": Lecture()}
        self.states: dict[str, LectureState] = {}

    async def get(self, lecture: str) -> Lecture | None:
        return self.rows.get(lecture)

    async def set_state(self, lecture: str, state: LectureState) -> None:
        self.states[lecture] = state


class Roster:
    """Everybody is invited: the member's id says the role before its first dash."""

    def __init__(self) -> None:
        self.serial = 1

    async def invitation(self, lecture: str, member: str) -> Invitation | None:
        if member.startswith("nobody"):
            return None
        return Invitation(lecture, Member(member, f"名{member}", ("镇巴县", "泾洋")), member.split("-")[0], self.serial)

    async def of_members(self, lecture: str, members: Collection[str]) -> list[Invitation]:
        found = [await self.invitation(lecture, member) for member in members]
        return [one for one in found if one is not None]

    async def invitations(self, lecture: str, scope: BranchPath = ()) -> Sequence[Invitation]:
        return await self.of_members(lecture, await self.branches(lecture))

    async def branches(self, lecture: str) -> dict[str, str]:
        return {f"member-{number}": "镇巴县 / 泾洋" for number in range(1, 6)}


class Sessions:
    """Who is signed in, by the token in the cookie."""

    def __init__(self) -> None:
        self.open: dict[str, Signed] = {}

    async def session(self, token: str, now: int) -> Signed | None:
        found = self.open.get(token)
        return found if found is not None and found.expires > now else None

    async def find(self, name: str) -> tuple[StaffMember, str] | None:
        raise NotImplementedError

    async def set_password(self, member: str, password: str) -> None:
        raise NotImplementedError

    async def open_session(self, token: str, member: str, now: int, expires: int) -> None:
        raise NotImplementedError

    async def close_session(self, token: str) -> None:
        del self.open[token]


class Relay:
    def __init__(self) -> None:
        self.told: asyncio.Queue[Event | RelayUp | RelayDown] = asyncio.Queue()
        self.routes: list[tuple[str, str | None, Audience]] = []
        self.closed: list[str] = []
        self.reports: list[tuple[str, float, int]] = []
        self.open_peers: tuple[OpenPeer, ...] = ()

    async def open(self, grant: Grant, peer: str, offer: Offer) -> Answer:
        raise NotImplementedError

    async def close(self, peer: str, reason: Closing) -> None:
        self.closed.append(peer)

    async def reported(self, peer: str, lost_share: float, frozen_ms: int) -> None:
        self.reports.append((peer, lost_share, frozen_ms))

    def knows(self, peer: str) -> bool:
        return peer not in self.closed

    async def route(self, publication: str, slot: str | None, audience: Audience) -> None:
        self.routes.append((publication, slot, audience))

    async def peers(self) -> tuple[OpenPeer, ...]:
        return self.open_peers

    async def events(self) -> AsyncIterator[Event | RelayUp | RelayDown]:
        while True:
            yield await self.told.get()


@dataclass
class Hall:
    """`url` is the channel's; `ticket(member)` opens it."""

    rooms: Rooms
    follower: RelayFollower
    witness: Witness
    admission: TicketAdmission
    channel: Channel
    recorder: Recorder
    relay: Relay
    journal: Journal
    lectures: Lectures
    roster: Roster
    signer: TicketSigner
    door: Door
    qualities: list[Quality]
    loads: list[Load]
    clock: SystemClock
    turnstile: Turnstile
    sessions: Sessions
    guard: CookieGuard
    url: str = ""

    def ticket(self, member: str, lecture: str = LECTURE, lasts: int = HOUR, serial: int = 1) -> str:
        invitation = Invitation(lecture, Member(member, "", ()), member.split("-")[0], serial)
        return self.signer.issue(invitation, self.clock.now() + lasts)

    def sign_in(self, name: str, branch: BranchPath = (), lasts: int = HOUR) -> dict[str, str]:
        """The cookie that a browser would hold; the session's token is the name."""
        self.sessions.open[name] = Signed(StaffMember(f"staff-{name}", name, branch), self.clock.now() + lasts)
        return {"Cookie": f"{COOKIE}={self.guard.sign(name)}"}

    def hello(self, member: str, **more: object) -> str:
        return json.dumps({"type": "hello", "ticket": self.ticket(member), **more})


async def until(condition: Any, within: float = 20.0) -> None:
    """Polls, bounded: what is awaited happens in another task."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def hall(facts: Sequence[Fact] = (), viewer_limit: int = 100) -> AsyncIterator[Hall]:
    clock, journal, lectures, roster, relay = SystemClock(), Journal(), Lectures(), Roster(), Relay()
    recorder = Recorder(clock)
    errands, witness = Errands(recorder), Witness(clock.at, PROOFS)
    qualities: list[Quality] = []
    loads: list[Load] = []
    rooms = Rooms(clock, errands, Store(facts), journal, lectures, roster, relay, witness, qualities.append)
    recorder.follower = rooms.observe
    follower = RelayFollower(relay, rooms, witness, errands, roster, clock, loads.append)
    signer = TicketSigner(["s" * 32])
    door = Door(signer, roster)
    turnstile = Turnstile(50, lambda: 0.5)
    admission = TicketAdmission(door, rooms, follower, witness, errands, clock, viewer_limit, PROOFS)
    sessions = Sessions()
    guard = CookieGuard(sessions, ["s" * 32], clock)
    channel = Channel(rooms, admission, ConsoleDoor(guard), turnstile, clock, "https://class.example.org")
    made = Hall(
        rooms,
        follower,
        witness,
        admission,
        channel,
        recorder,
        relay,
        journal,
        lectures,
        roster,
        signer,
        door,
        qualities,
        loads,
        clock,
        turnstile,
        sessions,
        guard,
    )
    app = web.Application()
    app.add_routes(channel.routes())
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    try:
        async with errands.open(), rooms.open(), asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(channel.run()), tasks.create_task(follower.run())]
            yield made
            await channel.drain(1.0)
            for task in running:
                task.cancel()
    finally:
        await runner.cleanup()
