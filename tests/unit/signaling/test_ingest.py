from __future__ import annotations

from random import Random

import pytest

from signaling.control import Audience, PublicationFlowing, PublicationSilent, PublisherTrouble, Route
from signaling.relay.actions import Action, Forward, SendRtcp, Tell
from signaling.relay.ingest import Ingest
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Publication
from signaling.relay.schedule import Schedule
from signaling.relay.slot import Slots
from signaling.relay.subscription import Subscription
from signaling.relay.uplink import AUDIO, MEDIA, PLANNED, VOICE
from signaling.session.offer import Codec, Kind
from signaling.session.variant import RID, TRANSPORT_WIDE_CC
from signaling.wire import Extensions, Feedback, KeyFrameAsked, Nack, ReceiverReports, Remb, pack_rtp, parse_rtcp

FORMATS = {111: (Kind.AUDIO, Codec.OPUS), 96: (Kind.VIDEO, Codec.VP8)}
KEY, DELTA = b"\x10\x00", b"\x10\x01"


class TellingSchedule(Schedule):
    """Is behind where it is told so."""

    late = False

    def behind(self, now: float) -> bool:
        return self.late


class Rig:
    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.slots = Slots(Random(1), limits, Notices())
        self.schedule = TellingSchedule()
        self.ingest = Ingest(self.schedule, lambda lecture: self.slots, 5, limits)

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


def test_only_older_publications_of_the_same_member_and_slot_are_replaced() -> None:
    rig = Rig()
    one, two, other = rig.publication("one"), rig.publication("two"), rig.publication("other", slot="host")
    stranger = rig.publication("stranger", member="n")
    assert rig.ingest.replaced_by(two) == [one]
    assert rig.ingest.replaced_by(one) == []
    assert rig.ingest.replaced_by(other) == []
    assert rig.ingest.replaced_by(stranger) == []


def test_a_publication_for_nobody_is_off_and_still_received() -> None:
    rig = Rig()
    publication = rig.publication()
    rig.ingest.route(Route("p", "guest", Audience.EVERYONE), 0.0)
    rig.video(publication, 1, KEY)
    assert rig.ingest.route(Route("p", "guest", Audience.NOBODY), 0.1) == []
    assert (publication.routed, publication.feeds) == (None, None)
    assert rig.slots.named("guest").streams[Kind.VIDEO].feed is None
    assert Nack(7, (2,)) in feedback(rig.video(publication, 3, now=0.2))
    assert any(isinstance(one, ReceiverReports) and one.blocks for one in feedback(rig.video(publication, 4, now=1.0)))
    assert rig.ingest.route(Route("p", "backstage", Audience.NOBODY), 0.3) == []
    assert rig.slots.named("backstage").streams[Kind.VIDEO].next_feed is None


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


def layered(rig: Rig) -> Publication:
    publication = rig.publication()
    publication.rids = ("q", "h", "f")
    publication.extensions = Extensions({RID: 10, TRANSPORT_WIDE_CC: 3})
    return publication


def extended(ssrc: int, number: int, rid: bytes = b"", wide: int | None = None, payload: bytes = DELTA) -> bytes:
    """A packet with header extensions in their short form (RFC 8285 §4.2)."""
    body = bytes([10 << 4 | len(rid) - 1]) + rid if rid else b""
    if wide is not None:
        body += bytes([3 << 4 | 1]) + wide.to_bytes(2, "big")
    body += bytes(-len(body) % 4)
    packet = pack_rtp(96, 0, number, 0, ssrc, b"")
    return bytes([packet[0] | 0x10]) + packet[1:] + b"\xbe\xde" + (len(body) // 4).to_bytes(2, "big") + body + payload


def test_key_frames_are_asked_for_and_merged_by_layer() -> None:
    rig = Rig()
    publication = layered(rig)
    assert rig.ingest.ask("p", 0.0, 2) == []
    for layer, rid in enumerate((b"q", b"h", b"f")):
        rig.ingest.rtp(publication, extended(20 + layer, 1, rid, payload=KEY), 0.0)
    assert feedback(rig.ingest.ask("p", 0.1, 2))[1:] == [KeyFrameAsked(22)]
    assert feedback(rig.ingest.ask("p", 0.2, 0))[1:] == [KeyFrameAsked(20)]
    assert rig.ingest.ask("p", 0.3, 2) == []
    assert rig.ingest.ask("p", 0.3, 3) == []
    assert [one for one in feedback(rig.ingest.tick(0.65)) if isinstance(one, KeyFrameAsked)] == [KeyFrameAsked(22)]


def test_a_layer_that_is_turned_off_is_not_asked_and_is_no_trouble() -> None:
    rig = Rig()
    publication = layered(rig)
    rig.ingest.rtp(publication, extended(20, 1, b"q", payload=KEY), 0.0)
    rig.ingest.rtp(publication, extended(22, 1, b"f", payload=KEY), 0.0)
    found: list[Action] = []
    for tenth in range(1, 60):
        now = tenth / 10
        found += rig.ingest.rtp(publication, extended(20, 1 + tenth), now)
        if tenth > 10:
            found += rig.ingest.ask("p", now, 2)
        found += rig.ingest.tick(now)
    assert KeyFrameAsked(22) not in feedback(found)
    assert not [one for one in told(found) if isinstance(one, PublisherTrouble)]


def test_a_screen_that_does_not_change_is_asked_all_the_same() -> None:
    rig = Rig()
    publication = layered(rig)
    for layer, rid in enumerate((b"q", b"h")):
        rig.ingest.rtp(publication, extended(20 + layer, 1, rid, payload=KEY), 0.0)
    assert feedback(rig.ingest.ask("p", 60.0, 1))[1:] == [KeyFrameAsked(21)]


def test_what_a_layer_lost_for_good_is_asked_for_as_a_key_frame_of_that_layer() -> None:
    rig = Rig()
    publication = layered(rig)
    found: list[Action] = []
    for layer, rid in enumerate((b"q", b"h")):
        rig.ingest.rtp(publication, extended(20 + layer, 1, rid, payload=KEY), 0.0)
    for tenth in range(1, 30):
        found += rig.ingest.rtp(publication, extended(20, 1 + tenth), tenth / 10)
        found += rig.ingest.rtp(publication, extended(21, 5 + tenth), tenth / 10)
        found += rig.ingest.tick(tenth / 10)
    assert KeyFrameAsked(21) in feedback(found)
    assert KeyFrameAsked(20) not in feedback(found)
    blocks = {block.ssrc for one in feedback(found) if isinstance(one, ReceiverReports) for block in one.blocks}
    assert blocks == {20, 21}


def test_arrivals_are_told_every_100_ms_where_they_are_numbered() -> None:
    rig = Rig()
    publication = layered(rig)
    found: list[Action] = []
    for place in range(100):
        found += rig.ingest.rtp(publication, extended(20, place, b"q", wide=place), place / 100)
    messages = [one.packet for one in found if isinstance(one, SendRtcp) and one.packet[8:10] == b"\x8f\xcd"]
    assert 8 <= len(messages) <= 10
    assert all(message[16:20] == (20).to_bytes(4, "big") for message in messages)


def test_a_layer_has_its_own_missing_packets() -> None:
    rig = Rig()
    publication = layered(rig)
    rig.ingest.rtp(publication, extended(20, 1, b"q"), 0.0)
    rig.ingest.rtp(publication, extended(22, 70, b"f"), 0.0)
    nacks = [one for one in feedback(rig.ingest.rtp(publication, extended(22, 72), 0.1)) if isinstance(one, Nack)]
    assert nacks == [Nack(22, (71,))]


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


def test_the_cap_falls_with_the_audience_where_the_uplink_has_a_limit() -> None:
    limits = Limits(uplink_limit=100_000_000)
    rig = Rig(limits)
    for viewer in range(100):
        for kind, codec in ((Kind.VIDEO, Codec.VP8), (Kind.AUDIO, Codec.OPUS)):
            stream = rig.slots.named("lecturer").streams[kind]
            stream.add(Subscription(f"v{viewer}", f"m{viewer}", False, viewer, {codec: 96}))
    backstage, publication = rig.publication("q"), rig.publication(slot="lecturer")
    (_, first) = feedback(rig.ingest.connected(publication))
    assert isinstance(first, Remb)
    assert first.bitrate < 1_000_000  # although nobody is shown it yet
    rig.ingest.route(Route("q", "guest", Audience.STAGE), 0.0)
    rig.ingest.route(Route("p", "lecturer", Audience.EVERYONE), 0.0)

    def cap(one: Publication, now: float) -> int:
        (remb,) = (found for found in feedback(rig.video(one, round(now * 10), KEY, now)) if isinstance(found, Remb))
        return remb.bitrate

    of_each = 100_000_000 * PLANNED / 100
    assert cap(publication, 1.0) == pytest.approx((of_each - AUDIO) * MEDIA + VOICE, rel=0.001)
    assert cap(backstage, 1.0) == pytest.approx(limits.publisher_bitrate, rel=0.01)
    for viewer in range(50):
        for stream in rig.slots.named("lecturer").streams.values():
            stream.remove(f"v{viewer}")
    before = cap(publication, 2.0)
    rig.ingest.tick(2.5)
    assert before < cap(publication, 3.1) < 1.1 * before


def test_a_key_frame_that_began_in_time_goes_out_whole() -> None:
    rig = Rig()
    publication = rig.publication()
    rig.slots.named("guest").streams[Kind.VIDEO].add(Subscription("v", "x", False, 3, {Codec.VP8: 96}))
    rig.ingest.route(Route("p", "guest", Audience.EVERYONE), 0.0)
    rig.schedule.late = False

    def goes(number: int, timestamp: int, payload: bytes = DELTA) -> bool:
        actions = rig.ingest.rtp(publication, pack_rtp(96, 0, number, timestamp, 7, payload), 0.0)
        return any(isinstance(one, Forward) for one in actions)

    assert goes(1, 0, KEY)
    rig.schedule.late = True
    assert goes(2, 0)
    assert not goes(3, 3_000)
    assert not goes(4, 6_000, KEY)
    rig.schedule.late = False
    assert not goes(5, 6_000)
    assert not goes(6, 9_000)
    assert goes(7, 12_000, KEY)


def test_while_we_are_behind_all_are_sent_a_smaller_picture_and_the_larger_one_comes_back() -> None:
    rig = Rig()
    publication = layered(rig)
    rig.slots.named("guest").streams[Kind.VIDEO].add(Subscription("v", "x", False, 3, {Codec.VP8: 96}))
    rig.ingest.route(Route("p", "guest", Audience.EVERYONE), 0.0)
    stream = rig.slots.named("guest").streams[Kind.VIDEO]
    number = 0

    def after(seconds: float, now: float) -> int:
        """The layer that the viewer is sent once all layers have flowed so long, with key frames."""
        nonlocal number
        for step in range(round(seconds * 10)):
            number += 1
            for layer, rid in enumerate((b"q", b"h", b"f")):
                rig.ingest.rtp(publication, extended(20 + layer, number, rid, payload=KEY), now + step / 10)
            rig.ingest.tick(now + step / 10)
        return stream.layer_of("v")

    rig.schedule.late = False
    assert after(1.0, 1.0) == 2
    for began, layer in ((2.0, 1), (4.5, 0)):
        rig.schedule.late = True
        after(0.6, began)
        rig.schedule.late = False
        assert after(1.0, began + 0.6) == layer
    assert after(8.0, 6.1) == 0
    assert after(25.0, 14.1) == 2
