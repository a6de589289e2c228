"""Publications: what arrives from publishers, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile

from signaling.control import (
    Audience,
    PublicationFlowing,
    PublicationSilent,
    PublisherTrouble,
    Route,
)
from signaling.relay.actions import Action, SendRtcp, Tell
from signaling.relay.limits import Limits
from signaling.relay.publication import STILL, Arrival, Publication, Track
from signaling.relay.schedule import Schedule
from signaling.relay.slot import Slots
from signaling.relay.stream import Feed
from signaling.relay.uplink import WEIGHTS, Claim, Shares
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

SEND = 3e-6  # seconds of CPU to send one packet to one viewer (benchmarks/README.md)
KEY_FRAME_SHARE = 0.25
REPORT = 0.5  # seconds; browsers raise their rate by what the first two seconds of REMB say


class Ingest:
    """`slots_of` gives a lecture's slots; `sender` is the SSRC that our RTCP to publishers bears."""

    def __init__(self, schedule: Schedule, slots_of: Callable[[str], Slots], sender: int, limits: Limits) -> None:
        self._schedule = schedule
        self._slots_of = slots_of
        self._sender = sender
        self._shares = Shares(limits.uplink_limit, limits.publisher_bitrate)
        self._shared_at = 0.0
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
        if message.slot is None or message.audience is Audience.NOBODY:
            self._unroute(publication)
            return []
        for other in self._publications.values():
            if other.lecture == publication.lecture and other.routed == message.slot:
                other.routed = None
        publication.routed = publication.feeds = message.slot
        publication.audience = message.audience
        feed = Feed(publication.peer, publication.member, message.audience)
        self._slots_of(publication.lecture).named(message.slot).route(feed, publication.kinds, now)
        self._share(now)
        for requests in publication.requests[: publication.layers]:
            requests.urge()
        return [action for layer in range(publication.layers) for action in self._request(publication, layer, now)]

    def _unroute(self, publication: Publication) -> None:
        if publication.feeds is not None:
            self._slots_of(publication.lecture).named(publication.feeds).unroute(publication.peer)
        publication.routed = publication.feeds = None

    def replaced_by(self, publication: Publication) -> list[Publication]:
        """The older publications of the same member for the same lecture and slot."""
        older = takewhile(lambda other: other is not publication, self._publications.values())
        return [other for other in older if other.purpose == publication.purpose]

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
            behind = kind is Kind.VIDEO and self._behind(arrival, now)
            keep = not publication.requests[arrival.layer].proven
            actions += stream.receive(publication.peer, arrival, now, behind, keep, self._schedule.cause)
        actions += self._nack(publication, arrival.track, now)
        if now >= publication.next_report:
            actions += self._report(publication, now)
        if not publication.flow.holds(arrival):
            actions += self._observe(publication, now)
        return actions

    def _behind(self, arrival: Arrival, now: float) -> bool:
        """Whether this packet of video must be dropped. A key frame that began goes out whole: half of one is no use,
        and where every one is too much for a moment there would never be a picture."""
        behind = self._schedule.behind(now)
        track = arrival.track
        if arrival.starts:
            track.whole = None if behind else arrival.timestamp
        return behind and track.whole != arrival.timestamp

    def rtcp(self, publication: Publication, packet: bytes, now: float) -> list[Action]:
        """Raises `ProtocolError`."""
        for feedback in parse_rtcp(packet):
            if isinstance(feedback, SenderReport):
                publication.reported(feedback, now)
        return []

    # --- what publishers are told ----------------------------------------------------------------------------------

    def connected(self, publication: Publication) -> list[Action]:
        """Tell the cap before the first packet: a browser begins with it, and not with its own 300 kbit/s. It is that
        for the audience of its slot, which it may be shown to a moment later."""
        self._shares.plan([self._claim(one, begins=one is publication) for one in self._publications.values()])
        return [self._feedback(publication, pack_remb(self._sender, self._shares.cap(publication.peer), []))]

    def ask(self, peer: str, now: float, layer: int = 0) -> list[Action]:
        """Somebody needs a key frame of this layer of a publication."""
        publication = self._publications.get(peer)
        if publication is None or layer >= publication.layers:
            return []
        publication.requests[layer].want()
        return self._request(publication, layer, now)

    def _request(self, publication: Publication, layer: int, now: float) -> list[Action]:
        track = publication.tracks.get((Kind.VIDEO, layer))
        if track is None or publication.off(track):
            return []  # it begins with a key frame, without being asked
        if not publication.requests[layer].due(now, self._spacing(publication, layer)):
            return []
        return [self._feedback(publication, pack_pli(self._sender, track.ssrc))]

    def _transport(self, publication: Publication, now: float) -> list[Action]:
        """A compound packet for each message, which ends it: its padding is its own."""
        return [self._feedback(publication, message) for message in publication.transport.take(self._sender, now)]

    def _spacing(self, publication: Publication, layer: int) -> float:
        """Seconds between two requests: a key frame goes to the whole audience, and while many join or lose packets
        all key frames together may take `KEY_FRAME_SHARE` of our time."""
        if publication.feeds is None:
            return 0.0
        stream = self._slots_of(publication.lecture).named(publication.feeds).streams[Kind.VIDEO]
        return stream.key_frame_sends(layer) * SEND / KEY_FRAME_SHARE

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
        remb = pack_remb(self._sender, self._shares.cap(publication.peer), ssrcs)
        return [SendRtcp(publication.peer, pack_receiver_report(self._sender, blocks) + remb)]

    # --- the uplink ------------------------------------------------------------------------------------------------

    def _share(self, now: float) -> None:
        self._shared_at = now
        self._shares.plan([self._claim(publication) for publication in self._publications.values()])

    def _lower(self, now: float) -> None:
        """While we are behind, everybody is sent a smaller picture of those who publish several."""
        for publication in self._publications.values():
            if publication.feeds is not None and publication.layers > 1:
                stream = self._slots_of(publication.lecture).named(publication.feeds).streams[Kind.VIDEO]
                if stream.feed is not None and stream.feed.publication == publication.peer:
                    stream.cap(publication.ceiling.look(publication.layers, self._schedule.behind(now), now))

    def _claim(self, publication: Publication, begins: bool = False) -> Claim:
        """The stage is few, and whom nobody sees costs nothing."""
        slot = publication.slot if begins else publication.feeds
        if slot is None or (publication.audience is not Audience.EVERYONE and not begins):
            return Claim(publication.peer, 1.0, 0, 0)
        streams = self._slots_of(publication.lecture).named(slot).streams
        video, audio = (streams[kind].viewers if kind in publication.kinds else 0 for kind in (Kind.VIDEO, Kind.AUDIO))
        return Claim(publication.peer, WEIGHTS.get(slot, 1.0), video, audio)

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
        if now - self._shared_at >= REPORT:
            self._share(now)
            self._lower(now)
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
