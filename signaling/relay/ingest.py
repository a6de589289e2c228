"""Publications: what arrives from publishers, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from signaling.control import (
    Audience,
    PublicationFlowing,
    PublicationSilent,
    PublisherTrouble,
    Route,
)
from signaling.relay.actions import Action, SendRtcp, Tell
from signaling.relay.limits import Limits
from signaling.relay.publication import STILL, Publication, Track
from signaling.relay.schedule import Schedule
from signaling.relay.slot import Slots
from signaling.relay.stream import Feed
from signaling.session.offer import Kind
from signaling.wire import (
    SenderReport,
    pack_nack,
    pack_pli,
    pack_receiver_report,
    pack_remb,
    parse_rtcp,
    parse_rtp,
)

REPORT = 0.5  # seconds; browsers raise their rate by what the first two seconds of REMB say


class Ingest:
    """`slots_of` gives a lecture's slots; `sender` is the SSRC that our RTCP to publishers bears."""

    def __init__(self, schedule: Schedule, slots_of: Callable[[str], Slots], sender: int, limits: Limits) -> None:
        self._schedule = schedule
        self._slots_of = slots_of
        self._sender = sender
        self._limits = limits
        self._publications: dict[str, Publication] = {}  # in the order of opening
        self.packets = 0

    def __len__(self) -> int:
        return len(self._publications)

    def __iter__(self) -> Iterator[Publication]:
        return iter(self._publications.values())

    def add(self, publication: Publication) -> None:
        self._publications[publication.peer] = publication

    def named(self, peer: str) -> Publication | None:
        return self._publications.get(peer)

    def remove(self, peer: str) -> None:
        publication = self._publications.pop(peer, None)
        if publication is not None:
            self._unroute(publication)

    # --- routes ----------------------------------------------------------------------------------------------------

    def route(self, message: Route, now: float) -> list[Action]:
        publication = self._publications.get(message.publication)
        if publication is None:
            return []
        if publication.feeds is not None and publication.feeds != message.slot:
            self._unroute(publication)
        if message.slot is None:
            return []
        for other in self._publications.values():
            if other.lecture == publication.lecture and other.routed == message.slot:
                other.routed = None
        publication.routed = publication.feeds = message.slot
        publication.audience = message.audience
        feed = Feed(publication.peer, publication.member, message.audience)
        self._slots_of(publication.lecture).named(message.slot).route(feed, publication.kinds, now)
        if message.audience is Audience.NOBODY:
            return []
        return self.ask_all(publication.peer, now)

    def _unroute(self, publication: Publication) -> None:
        if publication.feeds is not None:
            self._slots_of(publication.lecture).named(publication.feeds).unroute(publication.peer)
        publication.routed = publication.feeds = None

    def replaced_by(self, publication: Publication) -> list[Publication]:
        """The older publications of the same lecture and slot."""
        older = []
        for other in self._publications.values():
            if other is publication:
                break
            if (other.lecture, other.slot) == (publication.lecture, publication.slot):
                older.append(other)
        return older

    def inherit(self, publication: Publication, older: Publication, now: float) -> list[Action]:
        """The route of an older publication moves over, unless the room has put this one somewhere already."""
        if older.routed is None or publication.routed is not None:
            return []
        return self.route(Route(publication.peer, older.routed, older.audience), now)

    # --- what arrives ----------------------------------------------------------------------------------------------

    def rtp(self, publication: Publication, packet: bytes, now: float) -> list[Action]:
        """Raises `ProtocolError`."""
        rtp = parse_rtp(packet, publication.extensions)
        self.packets += 1
        arrival = publication.receive(rtp, now)
        actions = self._transport(publication, now)
        if arrival is None:
            return actions
        if publication.feeds is not None:
            kind = arrival.track.kind
            stream = self._slots_of(publication.lecture).named(publication.feeds).streams[kind]
            behind = kind is Kind.VIDEO and self._schedule.behind(now)
            actions += stream.receive(
                publication.peer, arrival, now, behind, not publication.requests[arrival.layer].proven
            )
        actions += self._nack(publication, arrival.track, now)
        if now >= publication.next_report:
            actions += self._report(publication, now)
        return actions + self._observe(publication, now)

    def rtcp(self, publication: Publication, packet: bytes, now: float) -> list[Action]:
        """Raises `ProtocolError`."""
        for feedback in parse_rtcp(packet):
            if isinstance(feedback, SenderReport):
                publication.reported(feedback, now)
        return []

    # --- what publishers are told ----------------------------------------------------------------------------------

    def connected(self, publication: Publication) -> list[Action]:
        """Tell the cap before the first packet: a browser begins with it, and not with its own 300 kbit/s."""
        return [self._feedback(publication, pack_remb(self._sender, self._limits.publisher_bitrate, []))]

    def ask(self, peer: str, now: float, layer: int = 0) -> list[Action]:
        """Somebody needs a key frame of this layer of a publication."""
        publication = self._publications.get(peer)
        if publication is None or layer >= publication.layers:
            return []
        publication.requests[layer].want()
        return self._request(publication, layer, now)

    def ask_all(self, peer: str, now: float) -> list[Action]:
        """Somebody needs a key frame of this publication, and has no layer yet."""
        publication = self._publications.get(peer)
        layers = range(publication.layers) if publication is not None else ()
        return [action for layer in layers for action in self.ask(peer, now, layer)]

    def _request(self, publication: Publication, layer: int, now: float) -> list[Action]:
        track = publication.tracks.get((Kind.VIDEO, layer))
        if track is None or publication.off(track):
            return []  # it begins with a key frame, without being asked
        if not publication.requests[layer].due(now):
            return []
        return [self._feedback(publication, pack_pli(self._sender, track.ssrc))]

    def _transport(self, publication: Publication, now: float) -> list[Action]:
        """A compound packet for each message, which ends it: its padding is its own."""
        return [self._feedback(publication, message) for message in publication.transport.take(self._sender, now)]

    def _nack(self, publication: Publication, track: Track, now: float) -> list[Action]:
        numbers = track.reception.nacks(now)
        if not numbers:
            return []
        return [self._feedback(publication, pack_nack(self._sender, track.ssrc, numbers))]

    def _feedback(self, publication: Publication, message: bytes) -> SendRtcp:
        """A compound packet begins with a report (RFC 3550 §6.1)."""
        return SendRtcp(publication.peer, pack_receiver_report(self._sender, []) + message)

    def _report(self, publication: Publication, now: float) -> list[Action]:
        blocks = publication.blocks(now)
        if not blocks:
            return []
        publication.next_report = now + REPORT
        ssrcs = [block.ssrc for block in blocks]
        remb = pack_remb(self._sender, self._limits.publisher_bitrate, ssrcs)
        return [SendRtcp(publication.peer, pack_receiver_report(self._sender, blocks) + remb)]

    # --- what the web process is told ------------------------------------------------------------------------------

    def _observe(self, publication: Publication, now: float) -> list[Action]:
        flow = publication.observe(now)
        if flow == publication.flow:
            return []
        publication.flow = flow
        if flow == STILL:
            return [Tell(PublicationSilent(publication.peer, now, publication.last))]
        return [Tell(PublicationFlowing(publication.peer, now, flow.audio, flow.video))]

    def _troubles(self, publication: Publication) -> list[Action]:
        found = {
            "b-frames": any(track.b_frames for track in publication.videos),
            "no-key-frames": publication.silent,
        }
        new = [name for name, present in found.items() if present and name not in publication.told]
        publication.told.update(new)
        return [Tell(PublisherTrouble(publication.peer, name)) for name in new]

    def tick(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for publication in self._publications.values():
            for track in publication.tracks.values():
                actions += self._nack(publication, track, now)
            for video in publication.videos:
                if video.reception.given_up != video.lost:
                    video.lost = video.reception.given_up
                    publication.requests[video.layer].want()
                actions += self._request(publication, video.layer, now)
            actions += self._transport(publication, now)
            if now >= publication.next_report and publication.flow != STILL:
                actions += self._report(publication, now)
            actions += self._observe(publication, now)
            actions += self._troubles(publication)
        return actions
