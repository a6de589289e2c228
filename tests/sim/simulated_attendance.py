"""An evening's attendance in virtual time: pages with scripted behaviour around the service that they would meet.

The facts reach the ledger by the same code as in a real lecture: `Rooms` with its ticks and beats, `RelayFollower`,
`Errands`, `LedgerRecorder` and `SqlStore` run as they do in the web process (simulated_service.py). Simulated are the
relay's eyes (what it tells of viewers, after its own rules of when a report is missed), the channel's (a socket that
gives no sign for twelve seconds is dead), and the people. What media really arrived where is written down beside it:
the truth.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest import mock

from attendance.facts import Fact
from attendance.interval import Span
from attendance.presence import Presence
from attendance.report import LedgerReader
from classroom.io import rooms_asyncio
from classroom.room.inputs import Joined, Left, Person, Received
from classroom.room.messages import Heartbeat, Page, Proof
from classroom.room.messages_stage import Signed
from signaling.control import Closing, PeerClosed, ViewerReceiving, ViewerStalled
from signaling.proof import key_of, mark_of, period_at
from tests.sim.simulated_service import BASE, LECTURE, MEMORY, SECRET, Database, Hall, Outlet, Relay, S, Service, at
from tests.sim.virtual_loop import Time, VirtualLoop

if TYPE_CHECKING:
    from tests.sim.simulated_site import Place, Stay

__all__ = ["BASE", "LECTURE", "SECRET", "STALLED", "Behaviour", "Device", "Evening", "S", "at"]

STALLED, GONE, SILENT = 5.0, 30.0, 12.0
TICK = 2.0
"""Seconds; the product's rooms look ten times a second whether there is anything to say to somebody."""


@dataclass
class Behaviour:
    """How one member's device behaves, in seconds of the evening: `spans` when its page is open (each one visit),
    `dead` when its network is, `hidden` when nobody sees the page."""

    spans: list[tuple[float, float]]
    dead: list[tuple[float, float]] = field(default_factory=list)
    hidden: list[tuple[float, float]] = field(default_factory=list)
    attentive: bool = True  # answers sign-ins
    echoes: bool = True  # its page reads marks
    takes: bool = True  # media; else it sends reports all the same
    opens: bool = True  # a WHEP session at all
    invents: Callable[[Device], list[Proof]] | None = None
    """What a cheat puts into its heartbeats instead."""


def within(moment: float, spans: Iterable[tuple[float, float]]) -> bool:
    return any(start <= moment < end for start, end in spans)


class Device:
    """A page of one member, or what pretends to be one. `peer` and `socket`: what the service knows of it."""

    def __init__(self, evening: Evening, member: str, number: int, behaviour: Behaviour) -> None:
        self.evening = evening
        self.person = Person(member, member, "镇巴县 / 泾洋", "member")
        self.number = number
        self.behaviour = behaviour
        self.peer: str | None = None
        self.socket: str | None = None
        self.media_since: float | None = None
        self.reported: float | None = None  # the last report that counted
        self.heard: float = 0.0  # the socket's last sign
        self.told = False  # the relay has said that it receives
        self.received: list[Span] = []
        self.asked: dict[str, float] = {}
        evening.pages.append(self)
        for start, end in behaviour.spans:
            evening.time.at(start, self.come)
            evening.time.at(end, self.leave)
        for start, _ in behaviour.dead:
            evening.time.at(start, self.lose)
        for _, end in behaviour.dead:
            evening.time.at(end, self.relink)

    # --- being there ---

    @property
    def open(self) -> bool:
        return within(self.evening.time.now, self.behaviour.spans)

    @property
    def linked(self) -> bool:
        return not within(self.evening.time.now, self.behaviour.dead)

    def come(self) -> None:
        """Opens what is not open; comes back later where the service is away."""
        if not (self.open and self.linked):
            return
        evening = self.evening
        if self.socket is None and evening.service is not None:
            self.socket = f"c{next(evening.ids)}"
            self.heard = evening.time.now
            joined = Joined(self.socket, self.person, Page.ROOM, f"{self.person.member}-{self.number}")
            evening.service.join(Outlet(self.socket, self.sign, self.hear), joined)
            self.beat_later(evening.random.uniform(0.5, 2))
        if self.behaviour.opens and self.peer is None and evening.service is not None and evening.relay.up:
            self.peer = f"w{next(evening.ids)}"
            evening.viewers[self.peer] = self
            evening.service.watched(self.person.member, self.peer)
            evening.time.after(evening.random.uniform(0.3, 2), lambda peer=self.peer: self.media(peer))  # type: ignore[misc]
        if self.socket is None or (self.behaviour.opens and self.peer is None):
            evening.time.after(evening.random.uniform(0.5, 3), self.come)

    def relink(self) -> None:
        """The network is back: media goes on at once where the session lives, the page looks for the rest."""
        if self.peer is not None and self.open and self.evening.shown and self.behaviour.takes and self.linked:
            self.media_since = self.evening.time.now
        self.evening.time.after(self.evening.random.uniform(0.2, 3), self.come)

    def media(self, peer: str) -> None:
        if self.peer != peer or not self.open or not self.evening.shown:
            return
        if self.linked and self.behaviour.takes and self.media_since is None:
            self.media_since = self.evening.time.now
        self.evening.time.after(self.evening.random.uniform(0.1, 1), lambda: self.report(peer))

    def report(self, peer: str) -> None:
        """A receiver report, about every second; a cheat's answer our sender reports as well."""
        if self.peer != peer or not self.open or not self.evening.shown:
            return
        evening = self.evening
        arrives = self.media_since is not None or not self.behaviour.takes
        if self.linked and evening.relay.up and arrives:
            if not self.told:
                self.told = True
                evening.relay.tell(ViewerReceiving(peer, evening.time.now))
            self.reported = evening.time.now
            evening.time.after(STALLED, lambda: self.stalled(peer))
        evening.time.after(evening.random.uniform(0.8, 1.2), lambda: self.report(peer))

    def stalled(self, peer: str) -> None:
        now, last = self.evening.time.now, self.reported
        if self.peer == peer and self.told and last is not None and now - last > STALLED - 0.001:
            self.told = False
            self.evening.relay.tell(ViewerStalled(peer, now, last))
            self.evening.time.after(GONE - STALLED, lambda: self.expire(peer))

    def expire(self, peer: str) -> None:
        """The relay gives up a peer from which nothing has come for long; a page that is back opens another."""
        if self.peer == peer and not self.told and self.media_since is None:
            self.closed(peer, Closing.SILENT)
            self.come()

    def closed(self, peer: str, reason: Closing) -> None:
        if self.peer != peer:
            return
        now, last = self.evening.time.now, self.reported
        if self.told and last is not None:
            self.evening.relay.tell(ViewerStalled(peer, now, last))
        self.told, self.peer, self.reported = False, None, None
        self.evening.viewers.pop(peer, None)
        self.evening.relay.tell(PeerClosed(peer, reason, now, last if last is not None else now))

    def cut(self) -> None:
        """Media ends here: that is the truth."""
        if self.media_since is not None:
            self.received.append(Span(at(self.media_since), at(self.evening.time.now)))
        self.media_since = None

    def leave(self) -> None:
        """The page is closed: in order, where the network lets it."""
        self.cut()
        if self.linked:
            self.beat()
            if self.peer is not None:
                self.closed(self.peer, Closing.DELETED)
            self.shut("closed")
        else:
            self.lose()

    def lose(self) -> None:
        """Nothing goes through any more, and nothing says so."""
        self.cut()
        peer, socket = self.peer, self.socket
        if socket is not None:
            heard = self.heard = self.evening.time.now - self.evening.random.uniform(0, 5)  # the last pong
            self.evening.time.at(heard + SILENT, lambda: self.shut("silent", socket))
        if peer is not None and not self.told:
            self.evening.time.after(GONE, lambda: self.expire(peer))

    def shut(self, reason: str, socket: str | None = None) -> None:
        if self.socket is None or (socket is not None and socket != self.socket):
            return
        last = self.evening.time.now if reason == "closed" else self.heard
        gone, self.socket = self.socket, None
        self.evening.feed(Left(gone, at(last), reason))
        if self.open and self.linked:
            self.evening.time.after(0.5, self.come)

    def sign(self) -> int:
        """The socket's last sign: pongs come while its network lives."""
        return at(self.evening.time.now if self.linked else self.heard)

    def hear(self, message: dict[str, object]) -> None:
        if message["type"] == "sign-in" and not message["answered"]:
            self.ask(str(message["id"]))

    # --- what its page says ---

    def beat_later(self, delay: float) -> None:
        socket = self.socket

        def beat() -> None:
            if socket is None or self.socket != socket:
                return
            self.beat()
            hidden = within(self.evening.time.now, self.behaviour.hidden)
            self.beat_later(60.0 if hidden else 15.0)  # a hidden page's timers are slowed down

        self.evening.time.after(delay, beat)

    def beat(self) -> None:
        if self.socket is None or not self.linked:
            return
        evening = self.evening
        self.heard = evening.time.now
        hidden = within(evening.time.now, self.behaviour.hidden)
        proofs = (
            self.proofs(10.0 if hidden else 30.0) if self.behaviour.invents is None else self.behaviour.invents(self)
        )
        evening.feed(Received(self.socket, Heartbeat(not hidden, self.media_since is not None, tuple(proofs))))

    def proofs(self, back: float) -> list[Proof]:
        """The marks of the media that came of late, as its page has seen them."""
        now = self.evening.time.now
        if self.peer is None or not self.behaviour.echoes or self.media_since is None:
            return []
        first = period_at(max(self.media_since, now - back))
        marks = tuple(mark_of(key_of(SECRET, LECTURE), self.peer, one) for one in range(first, period_at(now) + 1))
        return [Proof(self.peer, marks)]

    def ask(self, name: str) -> None:
        """Somebody who pays attention answers within a minute."""
        if not self.behaviour.attentive or name in self.asked:
            return
        self.asked[name] = self.evening.time.now
        self.evening.time.after(self.evening.random.uniform(3, 45), lambda: self.answer(name))

    def answer(self, name: str) -> None:
        if self.socket is not None and self.linked:
            self.evening.feed(Received(self.socket, Signed(name)))
        elif self.open:
            self.asked.pop(name, None)  # shown again when it is back


class Evening:
    """Times in seconds of the timeline. `facts` is the ledger, once it has run. `database`: SQLAlchemy's address of an
    empty one."""

    def __init__(self, seed: int, starts: float = 1_200.0, minutes: float = 40.0, database: str = MEMORY) -> None:
        self.random = Random(seed)
        self.loop = VirtualLoop(starts - 200.0)
        self.time = Time(self.loop)
        self.starts, self.ends = starts, starts + 60 * minutes
        self.ids = itertools.count(1)
        self.facts: list[Fact] = []
        self.devices: dict[str, list[Device]] = defaultdict(list)
        self.pages: list[Device] = []
        """Those and the screens of sites."""
        self.places: list[Place] = []
        self.stays: dict[str, list[Stay]] = defaultdict(list)
        """Before which screens each member was."""
        self.viewers: dict[str, Device] = {}
        self.shown = False
        self.relay = Relay(self.loop, self._open_peers, self._close)
        self.service: Service | None = None
        self.step = 0
        """µs by which the machine's clock is set off from the next start of the service on."""
        self._folder = TemporaryDirectory()
        self._hall = Hall(self.starts, self.ends)
        self._database = Database(database, self.loop)
        self._boots = itertools.count(1)

    def member(self, name: str, *behaviours: Behaviour) -> None:
        for number, behaviour in enumerate(behaviours):
            self.devices[name].append(Device(self, name, number, behaviour))

    def place(self, place: Place) -> None:
        """A site, which an organizer made beforehand."""
        self.places.append(place)
        self._hall.sites.make(place.host)

    def truth(self, member: str) -> list[Span]:
        """What their own devices received."""
        return [span for device in self.devices[member] for span in device.received]

    def feed(self, message: Left | Received) -> None:
        if self.service is not None:
            self.service.rooms.feed(LECTURE, message)

    # --- what happens to it ---

    def publish(self) -> None:
        self.shown = True
        if self.service is not None:
            self.service.published()
        self.relay.flow()
        for peer, device in list(self.viewers.items()):
            device.media(peer)

    def end(self) -> None:
        """By the lecturer's button: the service has everybody's player closed."""
        if self.service is not None:
            self.service.end()

    def kill_service(self, away: float) -> None:
        """The relay goes on sending, and keeps what it has to tell."""
        assert self.service is not None
        self.service.kill()
        self.service = None
        for device in self.pages:
            device.socket = None
        self.time.after(away, self._begin)

    def kill_relay(self, away: float) -> None:
        self.shown = False
        for device in self.viewers.values():
            device.cut()
            device.peer, device.told, device.reported = None, False, None
        self.viewers.clear()
        self.relay.die()
        self.time.after(away, self._relay_returns)

    def kill_node(self, away: float) -> None:
        """Both at once: the machine. Its relay is back a moment before the web process."""
        self.kill_relay(max(0.1, away - 0.2))
        self.kill_service(away)

    def lose_database(self, away: float) -> None:
        """Nobody notices, but the spool."""
        self._database.away = True
        self.time.after(away, self._database.come_back)

    def _begin(self) -> None:
        boot = str(next(self._boots))
        self.service = Service(
            self.loop, self._database, Path(self._folder.name), boot, self.relay, self._hall, self.step
        )
        self.service.start()
        for device in self.pages:
            self.time.after(self.random.uniform(0.3, 4), device.come)

    def _relay_returns(self) -> None:
        self.relay.rise()
        self.publish()
        for device in self.pages:
            self.time.after(self.random.uniform(0.3, 3), device.come)

    def _open_peers(self) -> dict[str, tuple[str, bool]]:
        """Viewers that the relay holds: whose, and whether it sees them receive."""
        return {peer: (device.person.member, device.told) for peer, device in self.viewers.items()}

    def _close(self, peer: str) -> None:
        """The service asks the relay to."""
        device = self.viewers.get(peer)
        if device is not None:
            device.cut()
            device.closed(peer, Closing.DELETED)
        elif peer == "p":
            self.shown = False

    def run(self) -> Presence:
        """The whole evening; what the ledger makes of it, whatever order its rows come in and however often."""
        try:
            with mock.patch.object(rooms_asyncio, "TICK", TICK):
                return self.loop.run_until_complete(self._run())
        finally:
            self.loop.close()
            self._folder.cleanup()

    async def _run(self) -> Presence:
        async with self._database.open():
            self._begin()
            self.time.at(self.starts, self.publish)
            self.time.at(self.ends, self.end)
            await self.loop.until(self.ends + 120)
            assert self.service is not None
            self.service.kill()
            ledger = self._database.ledger
            reading = await self._database.undisturbed(LedgerReader(ledger, None, LECTURE).read())
            assert reading.broken is None
            self.facts = [stored.fact async for stored in self._database.read(LECTURE)]
        rows = [*self.facts, *self.random.sample(self.facts, len(self.facts) // 20)]
        self.random.shuffle(rows)
        presence = Presence()
        for fact in rows:
            presence.apply(fact)
        if not self.step:  # else the ledger's order says what the clock cannot
            for member in {**self.devices, **self.stays}:
                assert presence.account(member) == reading.presence.account(member)
        return reading.presence
