"""Follows the relay: what it saw becomes facts and inputs of rooms; what it holds is taken over after a restart."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol

from attendance.errors import AttendanceError
from attendance.ports import Clock
from attendance.roster import Invitation
from classroom.admission import person_of
from classroom.errors import ClassroomError
from classroom.evidence import Witness
from classroom.io.errands_asyncio import Errands
from classroom.io.rooms_asyncio import Rooms
from classroom.people.role import rights
from classroom.room.inputs import (
    AudienceFellSilent,
    MemberTroubled,
    Person,
    PictureLevelChanged,
    PublicationClosed,
    PublicationFellSilent,
    PublicationFlowed,
    PublicationOpened,
    PublisherWarned,
    RelayLost,
    RelayReturned,
)
from classroom.room.messages import Level
from signaling.control import (
    AudienceSilent,
    Closing,
    Event,
    Load,
    OpenPeer,
    PeerClosed,
    PublicationFlowing,
    PublicationSilent,
    PublisherTrouble,
    ViewerHearing,
    ViewerLacksCodec,
    ViewerQuality,
    ViewerReceiving,
)
from signaling.errors import Refused
from signaling.ports import Relay, RelayDown, RelayUp

AT_ONCE = 500
"""Peers whose invitations are read by one query."""
WANTED = frozenset({Closing.DELETED, Closing.REPLACED})
"""Ends that the publisher, or the room, meant; after any other the publisher may come back."""

LOAD_AGE = 3.0
"""Seconds without the relay's load, which it tells each second, after which it does not seem well."""

_log = logging.getLogger(__name__)


class Invitations(Protocol):
    async def of_members(self, lecture: str, members: Collection[str]) -> Sequence[Invitation]:
        """The invitations of those who are invited."""


class RelayFollower:
    """Somebody must own `run()`. `measure` is given the relay's load each second."""

    def __init__(
        self,
        relay: Relay,
        rooms: Rooms,
        witness: Witness,
        errands: Errands,
        invitations: Invitations,
        clock: Clock,
        measure: Callable[[Load], None],
    ) -> None:
        self.seen: float | None = None
        """CLOCK_MONOTONIC of the relay's last sign of life; None while it is away."""
        self.load: Load | None = None
        """What it told last; None while it is away."""
        self._relay = relay
        self._rooms = rooms
        self._witness = witness
        self._errands = errands
        self._invitations = invitations
        self._clock = clock
        self._measure = measure
        self._publishers: dict[str, str] = {}
        self._lost = False
        self._events: dict[type, Callable[[Any], None]] = {
            PublicationFlowing: self._flowing,
            PublicationSilent: self._silent,
            PeerClosed: self._peer_closed,
            PublisherTrouble: self._publisher_trouble,
            ViewerLacksCodec: self._lacks_codec,
            ViewerQuality: self._quality,
            AudienceSilent: self._audience_silent,
            Load: self._load,
        }

    async def watched(self, lecture: str, member: str, role: str, peer: str) -> None:
        """The relay has a viewer of this member. Raises `Refused` where another node runs the room."""
        await self._rooms.load(lecture)
        self._witness.watch(peer, lecture, member, rights(role).counted)

    async def published(self, lecture: str, slot: str, person: Person, peer: str) -> None:
        """The relay has a publication of this person. Raises as `watched`."""
        await self._rooms.load(lecture)
        self._publishers[peer] = lecture
        self._rooms.feed(lecture, PublicationOpened(peer, slot, person))

    async def run(self) -> None:
        """Until cancelled; one at a time."""
        async for event in self._relay.events():
            if isinstance(event, RelayUp):
                await self._relay_up(event)
            elif isinstance(event, RelayDown):
                self._relay_down(event)
            else:
                self._evidence(event)
                handler = self._events.get(type(event))
                if handler is not None:
                    handler(event)

    def _evidence(self, event: Event | RelayUp | RelayDown) -> None:
        for told in self._witness.receive(event, self._rooms.going()):
            self._rooms.record(told.lecture, told.body, told.happened)

    async def _relay_up(self, event: RelayUp) -> None:
        """Take over what the relay holds: nothing after its own restart, everything after ours."""
        _log.info("the relay is up")
        self.seen = event.at
        try:
            peers = await self._relay.peers()
        except Refused:  # it went down again; RelayDown follows
            return
        self._evidence(event)
        if self._lost and not peers:
            # Pages would take seconds to find out that their sessions are gone.
            for lecture in self._rooms.going():
                self._rooms.feed(lecture, RelayReturned())
        self._lost = False
        lectures: defaultdict[str, list[OpenPeer]] = defaultdict(list)
        for peer in peers:
            lectures[peer.lecture].append(peer)
        for some in lectures.values():
            for first in range(0, len(some), AT_ONCE):
                await self._take_over_some(some[first : first + AT_ONCE], event.at)

    async def _take_over_some(self, peers: list[OpenPeer], at: float) -> None:
        """Peers of one lecture."""
        invited: dict[str, Invitation] = {}
        try:
            found = await self._invitations.of_members(peers[0].lecture, {peer.member for peer in peers})
            invited = {invitation.member.id: invitation for invitation in found}
        except AttendanceError as error:
            _log.error("who the relay's peers are cannot be read: they are closed: %s", error)
        for peer in peers:
            try:
                await self._take_over(peer, invited.get(peer.member), at)
            except (ClassroomError, AttendanceError, Refused) as error:
                _log.error("a peer of the relay cannot be taken over and is closed: %s", error)
                self._errands.put(partial(self._relay.close, peer.peer, Closing.DELETED))

    async def _take_over(self, peer: OpenPeer, invitation: Invitation | None, at: float) -> None:
        if invitation is None:
            self._errands.put(partial(self._relay.close, peer.peer, Closing.DELETED))
            return
        if peer.publishes is None:
            await self.watched(peer.lecture, peer.member, invitation.role, peer.peer)
            if peer.receiving:
                self._evidence(ViewerReceiving(peer.peer, at))
                self._evidence(ViewerHearing(peer.peer, at, peer.hearing))
            for slot, level in peer.levels.items():
                told = ViewerQuality(peer.peer, slot, level, at)
                self._evidence(told)
                self._quality(told)
            return
        await self.published(peer.lecture, peer.publishes, person_of(invitation), peer.peer)
        if peer.receiving:
            self._rooms.feed(peer.lecture, PublicationFlowed(peer.peer, self._clock.at(at), peer.video))

    def _relay_down(self, event: RelayDown) -> None:
        _log.warning("the relay is down")
        self.seen = self.load = None
        self._lost = True
        self._evidence(event)
        self._publishers.clear()
        for lecture in self._rooms.going():
            self._rooms.feed(lecture, RelayLost(self._clock.at(event.at)))

    def _flowing(self, event: PublicationFlowing) -> None:
        lecture = self._publishers.get(event.peer)
        if lecture is not None:
            self._rooms.feed(lecture, PublicationFlowed(event.peer, self._clock.at(event.at), event.video))

    def _silent(self, event: PublicationSilent) -> None:
        lecture = self._publishers.get(event.peer)
        if lecture is not None:
            self._rooms.feed(lecture, PublicationFellSilent(event.peer, self._clock.at(event.last)))

    def _peer_closed(self, event: PeerClosed) -> None:
        lecture = self._publishers.pop(event.peer, None)
        if lecture is not None:
            wanted = event.reason in WANTED
            self._rooms.feed(lecture, PublicationClosed(event.peer, self._clock.at(event.last), wanted))

    def _publisher_trouble(self, event: PublisherTrouble) -> None:
        lecture = self._publishers.get(event.peer)
        if lecture is not None:
            self._rooms.feed(lecture, PublisherWarned(event.peer, event.trouble))

    def _lacks_codec(self, event: ViewerLacksCodec) -> None:
        viewer = self._witness.viewer(event.peer)
        if viewer is not None:
            self._rooms.feed(viewer.lecture, MemberTroubled(viewer.member, "no-codec"))

    def _quality(self, event: ViewerQuality) -> None:
        viewer = self._witness.viewer(event.peer)
        if viewer is not None:
            changed = PictureLevelChanged(viewer.member, event.peer, event.slot, Level(event.level))
            self._rooms.feed(viewer.lecture, changed)

    def _audience_silent(self, event: AudienceSilent) -> None:
        if event.lecture in self._rooms.going():
            self._rooms.feed(event.lecture, AudienceFellSilent(event.receiving if event.silent else None))

    def _load(self, event: Load) -> None:
        self.seen = event.at
        self.load = event
        self._measure(event)
