from __future__ import annotations

from random import Random

from signaling.control import Audience, PublicationFlowing, PublicationSilent, PublisherTrouble, Route
from signaling.relay.actions import Action, Forward, SendRtcp, Tell
from signaling.relay.ingest import Ingest
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Publication
from signaling.relay.schedule import Schedule
from signaling.relay.slot import Slots
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind
from signaling.wire import Feedback, KeyFrameAsked, Nack, ReceiverReports, Remb, pack_rtp, parse_rtcp

FORMATS = {111: (Kind.AUDIO, Codec.OPUS), 96: (Kind.VIDEO, Codec.VP8)}
KEY, DELTA = b"\x10\x00", b"\x10\x01"


class Rig:
    def __init__(self) -> None:
        self.slots = Slots(Random(1), Limits(), Notices())
        self.ingest = Ingest(Schedule(), lambda lecture: self.slots, 5, Limits())

    def publication(self, peer: str = "p", slot: str = "guest", member: str = "m") -> Publication:
        publication = Publication(peer, "l", member, slot, FORMATS)
        self.ingest.add(publication)
        return publication

    def video(self, publication: Publication, number: int, payload: bytes = DELTA, now: float = 0.0) -> list[Action]:
        return self.ingest.rtp(publication, pack_rtp(96, 0, number, 0, 7, payload), now)


def feedback(actions: list[Action]) -> list[Feedback]:
    return [one for action in actions if isinstance(action, SendRtcp) for one in parse_rtcp(action.packet)]


def told(actions: list[Action]) -> list[object]:
    return [action.message for action in actions if isinstance(action, Tell)]


def test_the_cap_is_told_before_the_first_packet() -> None:
    rig = Rig()
    found = feedback(rig.ingest.connected(rig.publication()))
    assert found == [ReceiverReports(()), Remb(2_500_000, ())]


def test_the_first_packet_is_reported_and_told() -> None:
    rig = Rig()
    actions = rig.video(rig.publication(), 1, KEY)
    assert told(actions) == [PublicationFlowing("p", 0.0, False, Codec.VP8)]
    reports = [one for one in feedback(actions) if isinstance(one, ReceiverReports)]
    assert [block.ssrc for block in reports[0].blocks] == [7]
    assert feedback(rig.video(rig.ingest.named("p") or rig.publication(), 2, now=0.1)) == []


def test_what_is_missing_is_asked_for_in_the_same_breath() -> None:
    rig = Rig()
    publication = rig.publication()
    rig.video(publication, 1, KEY)
    nacks = [one for one in feedback(rig.video(publication, 4)) if isinstance(one, Nack)]
    assert nacks == [Nack(7, (2, 3))]


def test_a_packet_goes_to_the_slot_it_is_routed_to() -> None:
    rig = Rig()
    publication = rig.publication()
    rig.slots.named("guest").streams[Kind.VIDEO].add(Subscription("v", "x", False, 3, {Codec.VP8: 96}))
    assert not [one for one in rig.video(publication, 1, KEY) if isinstance(one, Forward)]
    rig.ingest.route(Route("p", "guest", Audience.EVERYONE), 0.0)
    assert [one for one in rig.video(publication, 2, KEY) if isinstance(one, Forward)]
    rig.ingest.route(Route("p", None, Audience.NOBODY), 0.0)
    assert not [one for one in rig.video(publication, 3, KEY) if isinstance(one, Forward)]


def test_a_route_asks_for_a_key_frame() -> None:
    rig = Rig()
    rig.video(rig.publication(), 1)
    assert KeyFrameAsked(7) in feedback(rig.ingest.route(Route("p", "guest", Audience.STAGE), 0.0))
    assert rig.ingest.route(Route("nobody", "guest", Audience.STAGE), 0.0) == []


def test_who_displaces_a_publication_inherits_nothing_later() -> None:
    rig = Rig()
    one, two = rig.publication("one"), rig.publication("two", slot="host")
    rig.ingest.route(Route("one", "guest", Audience.EVERYONE), 0.0)
    rig.ingest.route(Route("two", "guest", Audience.EVERYONE), 0.0)
    assert (one.routed, one.feeds, two.routed) == (None, "guest", "guest")
    again = rig.publication("again")
    assert rig.ingest.replaced_by(again) == [one]
    assert rig.ingest.inherit(again, one, 0.0) == []
    assert again.routed is None


def test_only_older_publications_of_the_same_slot_are_replaced() -> None:
    rig = Rig()
    one, two, other = rig.publication("one"), rig.publication("two"), rig.publication("other", slot="host")
    assert rig.ingest.replaced_by(two) == [one]
    assert rig.ingest.replaced_by(one) == []
    assert rig.ingest.replaced_by(other) == []


def test_silence_and_troubles_are_told_once() -> None:
    rig = Rig()
    publication = rig.publication()
    rig.video(publication, 1)
    messages: list[object] = []
    for hundredth in range(500):
        rig.ingest.ask("p", hundredth / 100)
        messages += told(rig.ingest.tick(hundredth / 100))
    assert [one for one in messages if isinstance(one, PublicationSilent)] == [PublicationSilent("p", 2.0, 0.0)]
    assert [one for one in messages if isinstance(one, PublisherTrouble)] == [PublisherTrouble("p", "no-key-frames")]


def test_key_frames_for_a_large_audience_are_asked_for_less_often() -> None:
    """80 packets to 1,000 viewers are a quarter of a second of sending: one in 0.96 s, however many join meanwhile."""
    rig = Rig()
    publication = rig.publication()
    rig.ingest.route(Route("p", "guest", Audience.EVERYONE), 0.0)
    stream = rig.slots.named("guest").streams[Kind.VIDEO]
    for viewer in range(1_000):
        stream.add(Subscription(f"v{viewer}", f"m{viewer}", False, viewer, {Codec.VP8: 96}))
    for number in range(80):
        rig.video(publication, number, KEY if number == 0 else DELTA)
    assert KeyFrameAsked(7) in feedback(rig.ingest.ask("p", 0.0))
    assert feedback(rig.ingest.ask("p", 0.9)) == []
    assert KeyFrameAsked(7) in feedback(rig.ingest.ask("p", 1.0))
