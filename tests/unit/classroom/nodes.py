"""Several nodes of one service in one process: each with rooms of its own, over one ledger, journal, roster and bus in
memory. A node may lose the bus, and may die: then nothing leaves it any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from attendance.errors import StoreUnavailable
from attendance.facts import Body, Fact
from attendance.ports import Stored
from attendance.presence import Presence
from classroom.errors import BusAway
from classroom.evidence import Witness
from classroom.io.bus_memory import MemoryBus
from classroom.io.clock_time import SystemClock
from classroom.io.errands_asyncio import Errands
from classroom.io.node_asyncio import Node
from classroom.io.rooms_asyncio import Rooms
from classroom.nodes.lease import Last
from classroom.ports import Delivery, Lease
from classroom.room.inputs import Joined, Lagged, Left, Person, Received
from classroom.room.journal import Journaled
from classroom.room.messages import Close, Page
from classroom.room.messages_talk import Say
from tests.unit.classroom.hall import LECTURE, PROOFS, Lectures, Relay, Roster


class Ledger:
    """What is stored, for all nodes."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    async def append(self, facts: Sequence[Fact]) -> None:
        self.facts.extend(facts)

    async def read(self, lecture: str, after: int = 0) -> AsyncIterator[Stored]:
        for row, fact in enumerate(tuple(self.facts), 1):
            if fact.lecture == lecture and row > after:
                yield Stored(row, fact, fact.happened, b"", b"")

    def bodies(self, kind: type[Any], node: str | None = None) -> list[Any]:
        found = (fact for fact in self.facts if isinstance(fact.body, kind) and node in (None, fact.node))
        return [fact.body for fact in found]

    def presence(self) -> Presence:
        presence = Presence()
        for fact in self.facts:
            presence.apply(fact)
        return presence


class SharedJournal:
    """Refuses a number that is there, as the database does."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Journaled] = {}

    async def read(self, lecture: str) -> AsyncIterator[Journaled]:
        for (owner, _), journaled in sorted(self.kept.items()):
            if owner == lecture:
                yield journaled


class SharedHomes:
    def __init__(self) -> None:
        self.rows: dict[str, Last] = {}


class Power:
    """Of one node. `cuts` counts how often the bus was taken away: what was connected then is not connected again."""

    def __init__(self) -> None:
        self.on = True
        self.cuts = 0
        self._bus = True

    @property
    def bus(self) -> bool:
        return self._bus

    @bus.setter
    def bus(self, there: bool) -> None:
        self.cuts += self._bus and not there
        self._bus = there


class NodeBus:
    """A node's way to the bus."""

    alone = False

    def __init__(self, shared: MemoryBus, power: Power) -> None:
        self._shared = shared
        self._power = power

    def _check(self, cuts: int | None = None) -> None:
        if not (self._power.on and self._power.bus) or cuts not in (None, self._power.cuts):
            raise BusAway("the test took it")

    async def publish(self, topic: str, body: bytes, keep: int, lease: Lease | None = None) -> None:
        self._check()
        await self._shared.publish(topic, body, keep, lease)

    async def follow(self, topic: str, after: str = "") -> AsyncIterator[Delivery]:
        self._check()
        cuts = self._power.cuts
        following = self._shared.follow(topic, after)
        waiting: asyncio.Task[Delivery] | None = None
        try:
            while True:
                if waiting is None:
                    waiting = asyncio.ensure_future(anext(following))
                done, _ = await asyncio.wait([waiting], timeout=0.02)
                self._check(cuts)
                if done:
                    delivery, waiting = waiting.result(), None
                    yield delivery
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def kept(self, topic: str) -> list[bytes]:
        self._check()
        return await self._shared.kept(topic)

    async def take(self, lease: Lease, lasts: float) -> bool:
        self._check()
        return await self._shared.take(lease, lasts)

    async def release(self, lease: Lease) -> None:
        self._check()
        await self._shared.release(lease)

    async def holder(self, key: str) -> bytes | None:
        self._check()
        return await self._shared.holder(key)


class NodeHomes:
    def __init__(self, shared: SharedHomes, power: Power) -> None:
        self._rows = shared.rows
        self._power = power

    async def last(self, lecture: str) -> Last | None:
        self._check()
        return self._rows.get(lecture)

    async def take(self, lecture: str, node: str, boot: str, after: int) -> bool:
        self._check()
        last = self._rows.get(lecture)
        if (0 if last is None else last.fence) != after:
            return False
        self._rows[lecture] = Last(after + 1, node, boot, held=True)
        return True

    async def mark(self, lecture: str, fence: int, *, held: bool = True, alone: bool = False) -> bool:
        self._check()
        last = self._rows.get(lecture)
        if last is None or last.fence != fence:
            return False
        self._rows[lecture] = Last(fence, last.node, last.boot, held, alone)
        return True

    def _check(self) -> None:
        if not self._power.on:
            raise StoreUnavailable("the test took it")


class NodeJournal:
    def __init__(self, shared: SharedJournal, power: Power) -> None:
        self._shared = shared
        self._power = power
        self.refused: list[Journaled] = []

    def append(self, lecture: str, journaled: Journaled) -> None:
        if not self._power.on:
            return
        if (lecture, journaled.number) in self._shared.kept:
            self.refused.append(journaled)
        else:
            self._shared.kept[lecture, journaled.number] = journaled

    def read(self, lecture: str) -> AsyncIterator[Journaled]:
        return self._shared.read(lecture)


class NodeRecorder:
    def __init__(self, ledger: Ledger, clock: SystemClock, node: str, boot: str, power: Power) -> None:
        self._ledger = ledger
        self._clock = clock
        self._identity = (node, boot)
        self._power = power
        self._count = 0
        self.follower: Any = None

    async def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        if not self._power.on:
            return
        self._count += 1
        time = self._clock.now() if happened is None else happened
        fact = Fact(lecture, *self._identity, self._count, time, body)
        self._ledger.facts.append(fact)
        await asyncio.sleep(0)
        self.follower(fact)


@dataclass
class Client:
    """A socket, and what its page makes of what it gets."""

    connection: str
    member: str
    evidence: int
    frames: list[bytes] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    code: Close | None = None

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    def complain(self, reason: str, key: str | None) -> None:
        self.complaints.append(reason)

    def dismiss(self, code: Close, reason: str) -> None:
        self.code = code

    @property
    def messages(self) -> list[Any]:
        found: list[Any] = []
        for frame in self.frames:
            message = json.loads(frame)
            found += message["messages"] if message["type"] == "batch" else [message]
        return found

    def of(self, kind: str) -> list[Any]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def chat(self) -> list[str]:
        """Texts in the order of the page: those of snapshots first seen there, and those that came."""
        found: dict[str, str] = {}
        for message in self.messages:
            for line in message["chat"] if message["type"] == "snapshot" else [message]:
                if line["type"] == "chat":
                    found.setdefault(line["id"], line["text"])
        return list(found.values())

    @property
    def last(self) -> int | None:
        return max((message["seq"] for message in self.messages if message.get("seq") is not None), default=None)

    @property
    def holes(self) -> list[int]:
        """Numbers after which the next ones are missing, as a page would find them."""
        found: list[int] = []
        last: int | None = None
        for message in self.messages:
            seq = message.get("seq")
            if message["type"] == "snapshot":
                last = seq
            elif seq is not None and last is not None and message["type"] != "resumed":
                if seq > last + 1:
                    found.append(last)
                last = max(last, seq)
        return found


@dataclass
class Running:
    name: str
    node: Node
    rooms: Rooms
    relay: Relay
    journal: NodeJournal
    power: Power
    witness: Witness
    clock: SystemClock

    async def join(self, member: str, last: int | None = None, again: int = 0) -> Client:
        page = Client(f"c-{member}-{self.name}-{again}", member, self.clock.now() + 3_600_000_000)
        person = Person(member, f"名{member}", "镇巴县", member.split("-")[0])
        await self.rooms.join(LECTURE, page, Joined(page.connection, person, Page.ROOM, "", last))
        return page

    def say(self, page: Client, text: str) -> None:
        self.rooms.feed(LECTURE, Received(page.connection, Say(text)))

    def leave(self, page: Client) -> None:
        self.rooms.feed(LECTURE, Left(page.connection, self.clock.now(), "closed"))

    def lag(self, page: Client) -> None:
        self.rooms.feed(LECTURE, Lagged(page.connection))

    @property
    def home(self) -> bool:
        return LECTURE in self.rooms.live

    def die(self) -> None:
        self.power.on = False


@dataclass
class Service:
    """All nodes, and what they share."""

    bus: MemoryBus = field(default_factory=lambda: MemoryBus(alone=False))
    ledger: Ledger = field(default_factory=Ledger)
    journal: SharedJournal = field(default_factory=SharedJournal)
    homes: SharedHomes = field(default_factory=SharedHomes)
    lectures: Lectures = field(default_factory=Lectures)
    roster: Roster = field(default_factory=Roster)

    @contextlib.asynccontextmanager
    async def node(self, name: str, boot: str = "1") -> AsyncIterator[Running]:
        power, clock, relay = Power(), SystemClock(), Relay()
        recorder = NodeRecorder(self.ledger, clock, name, boot, power)
        errands, witness = Errands(recorder), Witness(clock.at, PROOFS)
        url = f"https://{name}.example"
        now = asyncio.get_running_loop().time
        node = Node(NodeBus(self.bus, power), NodeHomes(self.homes, power), name, boot, url, now)
        journal = NodeJournal(self.journal, power)
        rooms = Rooms(
            clock, errands, self.ledger, journal, self.lectures, self.roster, relay, witness, lambda _: None, node
        )  # fmt: skip
        recorder.follower = rooms.observe
        async with errands.open(), rooms.open():
            yield Running(name, node, rooms, relay, journal, power, witness, clock)
