"""The relay's core: an input and the time go in, actions come out.

Theory of operation. The shell (`io/`) owns sockets, DTLS and SRTP; it feeds what arrives and performs every action
before it feeds the next input. The core knows peers (by id, ufrag, address), publications, viewers and each lecture's
slots. A publisher's packet is numbered once for its slot's stream and goes out as one action for each family of
viewers, so its cost does not grow with the audience. What depends on time alone happens in `Tick`; what is due for a
single peer waits in an agenda, and a bounded number of entries is served at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from signaling.control import (
    ClosePeer,
    Closing,
    ListPeers,
    Load,
    NotOpened,
    Opened,
    OpenPeer,
    OpenPublication,
    OpenViewer,
    PeerClosed,
    PeerConnected,
    Route,
    ViewerLacksCodec,
    ViewerReported,
)
from signaling.control import (
    Peers as ListedPeers,
)
from signaling.errors import ProtocolError, Refusal, Refused
from signaling.ports import Address
from signaling.relay.actions import (
    Action,
    Commanded,
    Forget,
    Input,
    PeerEnded,
    RtcpArrived,
    RtpArrived,
    Secured,
    StunArrived,
    Tell,
    Tick,
)
from signaling.relay.agenda import Agenda
from signaling.relay.answering import ROLES, answer_publication, answer_viewer
from signaling.relay.connectivity import Connectivity
from signaling.relay.ingest import Ingest
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.peers import AllowList, Peer, Peers, State
from signaling.relay.playback import REPORT, Playback
from signaling.relay.publication import STILL, Publication, extensions_of, formats_of, rids_of
from signaling.relay.schedule import Schedule
from signaling.relay.slot import STAGE, Slots
from signaling.relay.viewer import Viewer
from signaling.session.answer import Answer, AnsweredLine
from signaling.session.offer import Fingerprint, Kind, Offer

SILENCE = 15.0  # seconds without anything authenticated end a peer
LOAD = 1.0  # seconds
SERVED = 100  # peers looked after in one tick
ICE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"  # RFC 8839 §5.4
DEFAULTS = Limits()


class Relay:
    """`addresses` are the candidates of every answer. `epoch` is the Unix time at which `now` was zero, for sender
    reports (players show latency by it). `allowed` is told whose datagrams to let in. The shell puts each `Forward`
    into `schedule`, and sends from there."""

    def __init__(
        self,
        fingerprint: Fingerprint,
        addresses: tuple[Address, ...],
        random: Random,
        limits: Limits = DEFAULTS,
        *,
        epoch: float = 0.0,
        allowed: AllowList | None = None,
    ) -> None:
        self.schedule = Schedule(limits.uplink_limit)
        self._fingerprint = fingerprint
        self._addresses = addresses
        self._random = random
        self._limits = limits
        self._peers = Peers(allowed)
        self._connectivity = Connectivity(self._peers, random)
        self._notices = Notices()
        self._lectures: dict[str, Slots] = {}
        self._populations: Counter[str] = Counter()
        self._names: dict[int, str] = {}
        self._ingest = Ingest(self.schedule, self._slots, random.randrange(1, 1 << 32), limits)
        self._playback = Playback(self._ingest.ask, epoch, self._names, limits)
        self._agenda = Agenda()
        self._load_at = 0.0
        self._handlers: dict[type, Callable[[Any, float], list[Action]]] = {
            StunArrived: self._stun,
            Secured: self._secured,
            RtpArrived: self._rtp,
            RtcpArrived: self._rtcp,
            PeerEnded: self._ended,
            Tick: self._tick,
            Commanded: self._commanded,
        }
        self._commands: dict[type, Callable[[Any, float], list[Action]]] = {
            OpenPublication: self._open_publication,
            OpenViewer: self._open_viewer,
            ClosePeer: self._close_peer,
            Route: self._ingest.route,
            ViewerReported: self._playback.reported,
            ListPeers: self._list_peers,
        }

    def receive(self, one: Input, now: float) -> list[Action]:
        """What to do about an input at the time `now` (seconds, monotonic). Never raises for what others sent."""
        try:
            actions = self._handlers[type(one)](one, now)
        except ProtocolError:
            self._notices.dropped["malformed"] += 1
            return []
        if self._notices.entered or self._notices.lacking:
            actions = actions + self._noticed(now)
        return actions

    def _noticed(self, now: float) -> list[Action]:
        notices = self._notices
        for peer in notices.entered:
            self._agenda.hasten(peer, now)
        notices.entered.clear()
        if not notices.lacking:
            return []
        told: list[Action] = [Tell(ViewerLacksCodec(peer, slot, codec)) for peer, slot, codec in notices.lacking]
        notices.lacking.clear()
        return told

    # --- opening ---------------------------------------------------------------------------------------------------

    def _commanded(self, one: Commanded, now: float) -> list[Action]:
        return self._commands[type(one.message)](one.message, now)

    def _open_publication(self, message: OpenPublication, now: float) -> list[Action]:
        try:
            if len(self._ingest) >= self._limits.publications:
                raise Refused(Refusal.FULL)
            lines = answer_publication(message.offer)
        except Refused as refused:
            return [Tell(NotOpened(message.request, message.peer, refused.reason, refused.detail))]
        closed = self._displace(message.peer, now)
        peer = self._add(message, now)
        publication = Publication(
            peer.id, peer.lecture, peer.member, message.slot, formats_of(lines), rids_of(lines), extensions_of(lines)
        )
        self._ingest.add(publication)
        return [*closed, Tell(Opened(message.request, peer.id, self._answer(peer, lines)))]

    def _open_viewer(self, message: OpenViewer, now: float) -> list[Action]:
        try:
            if len(self._playback) >= self._limits.viewers:
                raise Refused(Refusal.FULL)
            # Refused offers leave nothing behind: lines are looked at before any slot is made.
            answer_viewer(message.offer, message.slots, {(slot, kind): 0 for slot in message.slots for kind in Kind})
        except Refused as refused:
            return [Tell(NotOpened(message.request, message.peer, refused.reason, refused.detail))]
        closed = self._displace(message.peer, now)
        peer = self._add(message, now)
        slots = {name: self._slots(peer.lecture).named(name) for name in message.slots}
        ssrcs = {(name, kind): stream.ssrc for name, slot in slots.items() for kind, stream in slot.streams.items()}
        lines = answer_viewer(message.offer, message.slots, ssrcs)
        for slot in slots.values():
            self._names.update({stream.ssrc: slot.cname for stream in slot.streams.values()})
        shown = tuple((line, slots[line.slot].streams[line.kind]) for line in lines if line.slot is not None)
        self._playback.add(Viewer(peer.id, STAGE in message.slots, shown, self._limits, message.proof, peer.lecture))
        return [*closed, Tell(Opened(message.request, peer.id, self._answer(peer, lines)))]

    def _displace(self, peer: str, now: float) -> list[Action]:
        """An id that is opened again names the new peer."""
        former = self._peers.named(peer)
        return self._close(former, Closing.REPLACED, now) if former is not None else []

    def _add(self, message: OpenPublication | OpenViewer, now: float) -> Peer:
        offer: Offer = message.offer
        peer = Peer(
            message.peer,
            message.lecture,
            message.member,
            self._letters(8),
            self._letters(24),
            offer.ufrag,
            offer.pwd,
            ROLES[offer.setup],
            offer.fingerprints,
            last=now,
        )
        self._peers.add(peer)
        self._populations[peer.lecture] += 1
        self._agenda.put(peer.id, now + REPORT)
        return peer

    def _letters(self, count: int) -> str:
        return "".join(self._random.choices(ICE_CHARACTERS, k=count))

    def _answer(self, peer: Peer, lines: tuple[AnsweredLine, ...]) -> Answer:
        return Answer(peer.ufrag, peer.pwd, self._fingerprint, peer.setup, self._addresses, lines)

    def _slots(self, lecture: str) -> Slots:
        slots = self._lectures.get(lecture)
        if slots is None:
            slots = self._lectures[lecture] = Slots(self._random, self._limits, self._notices)
        return slots

    # --- closing ---------------------------------------------------------------------------------------------------

    def _close_peer(self, message: ClosePeer, now: float) -> list[Action]:
        peer = self._peers.named(message.peer)
        return self._close(peer, message.reason, now) if peer is not None else []

    def _ended(self, one: PeerEnded, now: float) -> list[Action]:
        peer = self._peers.named(one.peer)
        return self._close(peer, one.reason, now, one.detail) if peer is not None else []

    def _close(self, peer: Peer, reason: Closing, now: float, detail: str = "") -> list[Action]:
        if not peer.become(State.CLOSED):
            return []
        self._connectivity.forget(peer)
        self._peers.remove(peer)
        self._agenda.remove(peer.id)
        self._ingest.remove(peer.id)
        actions = self._playback.remove(peer.id, now)
        self._populations[peer.lecture] -= 1
        if not self._populations[peer.lecture]:
            del self._populations[peer.lecture]
            for slot in self._lectures.pop(peer.lecture, ()):
                for stream in slot.streams.values():
                    self._names.pop(stream.ssrc, None)
        return [*actions, Forget(peer.id, reason), Tell(PeerClosed(peer.id, reason, now, peer.last, detail))]

    def _list_peers(self, message: ListPeers, now: float) -> list[Action]:
        return [Tell(ListedPeers(message.request, tuple(map(self._listed, self._peers))))]

    def _listed(self, peer: Peer) -> OpenPeer:
        publication, viewer = self._ingest.named(peer.id), self._playback.named(peer.id)
        flow = STILL if publication is None else publication.flow
        return OpenPeer(
            peer.id,
            peer.lecture,
            peer.member,
            publication.slot if publication is not None else None,
            peer.state is State.CONNECTED,
            viewer.evidence.receiving if viewer is not None else flow != STILL,
            flow.video,
            viewer is not None and viewer.evidence.hearing,
            {} if viewer is None else viewer.link.levels,
        )

    # --- what arrives ----------------------------------------------------------------------------------------------

    def _stun(self, one: StunArrived, now: float) -> list[Action]:
        return self._connectivity.receive(one.data, one.source, now)

    def _secured(self, one: Secured, now: float) -> list[Action]:
        peer = self._peers.named(one.peer)
        if peer is None or not peer.become(State.CONNECTED):
            return []
        peer.last = now
        actions: list[Action] = [Tell(PeerConnected(peer.id, now))]
        publication, viewer = self._ingest.named(peer.id), self._playback.named(peer.id)
        if publication is not None:
            actions += self._ingest.connected(publication)
        if viewer is not None and one.viewer is not None:
            viewer.subscribe(peer.member, one.viewer)
            actions += viewer.marks(now)
        return actions + self._wanted_key_frames(peer.lecture, now)

    def _connected(self, name: str) -> Peer | None:
        peer = self._peers.named(name)
        return peer if peer is not None and peer.state is State.CONNECTED else None

    def _rtp(self, one: RtpArrived, now: float) -> list[Action]:
        peer = self._connected(one.peer)
        publication = self._ingest.named(one.peer)
        if peer is None or publication is None:
            return []
        peer.last = now
        begun = bool(publication.tracks)
        actions = self._ingest.rtp(publication, one.packet, now)
        if not begun and publication.tracks:
            actions += self._replace(publication, now)
        return actions

    def _replace(self, publication: Publication, now: float) -> list[Action]:
        """The first packet of a publisher who came back: its former publication ends, its route moves over."""
        actions: list[Action] = []
        for older in self._ingest.replaced_by(publication):
            actions += self._ingest.inherit(publication, older, now)
            peer = self._peers.named(older.peer)
            if peer is not None:
                actions += self._close(peer, Closing.REPLACED, now)
        return actions

    def _rtcp(self, one: RtcpArrived, now: float) -> list[Action]:
        peer = self._connected(one.peer)
        if peer is None:
            return []
        actions = self._connectivity.reported(peer, one.source, len(one.packet), now)
        publication, viewer = self._ingest.named(peer.id), self._playback.named(peer.id)
        try:
            if publication is not None:
                actions += self._ingest.rtcp(publication, one.packet, now)
            if viewer is not None:
                actions += self._playback.rtcp(viewer, one.packet, now)
        except ProtocolError:
            self._notices.dropped["malformed"] += 1
        return actions

    # --- time ------------------------------------------------------------------------------------------------------

    def _tick(self, one: Tick, now: float) -> list[Action]:
        self.schedule.refill(now)
        actions = self._connectivity.tick(now)
        for lecture in self._lectures:
            actions += self._streams(lecture, now)
        actions += self._ingest.tick(now)
        actions += self._playback.tick(now)
        for name in self._agenda.take(now, SERVED):
            actions += self._look_after(name, now)
        actions += self._playback.reports()
        if now >= self._load_at:
            self._load_at = now + LOAD
            actions.append(Tell(self._load(now)))
        return actions

    def _streams(self, lecture: str, now: float) -> list[Action]:
        actions: list[Action] = []
        for slot in self._lectures[lecture]:
            stream = slot.streams[Kind.VIDEO]
            feed = self._ingest.named(stream.feed.publication) if stream.feed is not None else None
            actions += stream.tick(now, feed is not None and feed.silent)
            actions += slot.streams[Kind.AUDIO].tick(now, replay=False)
        return actions + self._wanted_key_frames(lecture, now)

    def _wanted_key_frames(self, lecture: str, now: float) -> list[Action]:
        actions: list[Action] = []
        for slot in self._lectures.get(lecture, ()):
            for publication, layer in slot.streams[Kind.VIDEO].wants_key_frames_of:
                actions += self._ingest.ask(publication, now, layer)
        return actions

    def _look_after(self, name: str, now: float) -> list[Action]:
        peer = self._peers.named(name)
        if peer is None:
            return []
        if now - peer.last > SILENCE:
            return self._close(peer, Closing.SILENT, now)
        self._agenda.put(name, now + REPORT)
        viewer = self._playback.named(name)
        return self._playback.look_after(viewer, now) if viewer is not None else []

    def _load(self, now: float) -> Load:
        """The shell knows the CPU time, and adds it."""
        return Load(
            at=now,
            publications=len(self._ingest),
            viewers=len(self._playback),
            packets_in=self._ingest.packets,
            packets_out=self.schedule.sent,
            bytes_out=self.schedule.bytes,
            dropped=dict(self._notices.dropped + self.schedule.dropped),
            cpu_seconds=0.0,
            uplink_used=self.schedule.uplink.measure(now),
            uplink_limit=self.schedule.uplink.limit,
        )
