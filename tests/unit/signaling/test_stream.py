from __future__ import annotations

from signaling.control import Audience
from signaling.relay.actions import Action, Forward, Resend
from signaling.relay.families import write
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.ring import Kept
from signaling.relay.stream import Feed, Stream
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind
from signaling.wire import Rtp, pack_rtp, parse_rtp

FIRST = 5_000


class Rig:
    def __init__(self, kind: Kind = Kind.VIDEO, limits: Limits | None = None) -> None:
        self.notices = Notices()
        self.stream = Stream("guest", kind, 77, FIRST, 1_000, limits or Limits(), self.notices)
        self.track = Track(kind, 1)
        self.codec = Codec.VP8 if kind is Kind.VIDEO else Codec.OPUS

    def watch(
        self, viewer: int, codecs: dict[Codec, int] | None = None, stage: bool = False, member: str = "m9"
    ) -> None:
        codecs = codecs or {Codec.VP8: 96, Codec.H264: 108, Codec.OPUS: 111}
        self.stream.add(Subscription(f"p{viewer}", member, stage, viewer, codecs))

    def route(self, publication: str = "pub", audience: Audience = Audience.EVERYONE) -> None:
        self.stream.route(Feed(publication, publication, audience), 0.0)

    def packet(
        self,
        number: int,
        starts: bool = False,
        now: float = 0.0,
        payload: bytes = b"x",
        behind: bool = False,
        parameters: bytes | None = None,
        publication: str = "pub",
        timestamp: int | None = None,
    ) -> list[Action]:
        timestamp = round(now * 90_000) if timestamp is None else timestamp
        starts = starts or self.codec is Codec.OPUS
        arrival = Arrival(self.track, self.codec, number, 1, timestamp, payload, starts, parameters)
        return self.stream.receive(publication, arrival, now, behind, keep=True)


def sent(actions: list[Action]) -> list[tuple[Rtp, list[int]]]:
    return [
        (parse_rtp(packet), sorted(action.audience.indexes))
        for action in actions
        if isinstance(action, Forward)
        for packet in action.packets
    ]


def numbers(actions: list[Action]) -> list[int]:
    return [rtp.number for rtp, _ in sent(actions)]


def again(rig: Rig, peer: str, *asked: int) -> list[int]:
    """The numbers that this viewer is sent again."""
    return [
        (parse_rtp(packet).number + action.offset) & 0xFFFF
        for action in rig.stream.resend(peer, iter(asked)).actions
        if isinstance(action, Resend)
        for packet in action.packets
    ]


def test_one_packet_for_each_family() -> None:
    rig = Rig()
    rig.watch(1)
    rig.watch(2)
    rig.watch(3, {Codec.VP8: 120})
    rig.route()
    found = sent(rig.packet(10, starts=True))
    assert [(rtp.payload_type, rtp.ssrc, rtp.number, viewers) for rtp, viewers in found] == [
        (96, 77, FIRST, [1, 2]),
        (120, 77, FIRST, [3]),
    ]
    assert sorted(rig.notices.entered) == ["p1", "p2", "p3"]


def test_nothing_is_sent_before_a_key_frame() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    assert rig.packet(10) == []
    assert rig.stream.wants_key_frames_of == [("pub", 0)]
    assert numbers(rig.packet(11, starts=True)) == [FIRST]
    assert rig.stream.wants_key_frames_of == []
    rig.watch(2)
    assert rig.stream.wants_key_frames_of == [("pub", 0)]
    assert sent(rig.packet(12))[0][1] == [1]
    assert sent(rig.packet(13, starts=True))[0][1] == [1, 2]


def test_a_key_frame_whose_beginning_is_overtaken_is_whole() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    assert rig.packet(13) == []
    assert rig.packet(12) == []
    assert rig.packet(10) == []
    assert numbers(rig.packet(11, starts=True)) == [FIRST, FIRST + 1, FIRST + 2]


def test_a_late_beginning_lets_waiting_viewers_in() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    rig.packet(10, starts=True)
    rig.watch(2)
    rig.packet(12)
    found = sent(rig.packet(11, starts=True))
    assert found[0][0].number == FIRST + 1
    assert 2 in found[0][1]
    assert again(rig, "p2", FIRST, FIRST + 2) == [FIRST + 2]


def test_a_late_packet_is_not_sent_to_who_came_after_it() -> None:
    rig = Rig(Kind.AUDIO)
    rig.watch(1)
    rig.route()
    rig.packet(10)
    rig.packet(12)
    rig.watch(2)
    assert sent(rig.packet(11)) == []  # who misses it asks for it
    assert again(rig, "p1", FIRST + 1) == [FIRST + 1]
    assert again(rig, "p2", FIRST + 1) == []


def test_audiences() -> None:
    rig = Rig(Kind.AUDIO)
    rig.watch(1)
    rig.watch(2, stage=True)
    rig.watch(3, member="pub")
    for audience, expected in ((Audience.NOBODY, []), (Audience.STAGE, [2]), (Audience.EVERYONE, [1, 2])):
        rig.route(audience=audience)
        found = sent(rig.packet(10 + len(expected)))
        assert [viewers for _, viewers in found] == ([expected] if expected else [])


def test_parameters_go_first_with_a_number_of_their_own() -> None:
    rig = Rig()
    rig.codec = Codec.H264
    rig.watch(1)
    rig.route()
    found = sent(rig.packet(10, starts=True, parameters=b"sets"))
    assert [(rtp.number, rtp.payload, rtp.marker) for rtp, _ in found] == [(FIRST, b"sets", 0), (FIRST + 1, b"x", 1)]
    assert numbers(rig.packet(11)) == [FIRST + 2]


def test_being_behind_drops_to_the_next_key_frame_without_a_gap() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    rig.packet(10, starts=True)
    assert rig.packet(11, behind=True) == []
    assert rig.packet(12) == []
    assert rig.packet(13, starts=True, behind=True) == []
    assert rig.stream.wants_key_frames_of == [("pub", 0)]
    assert numbers(rig.packet(14, starts=True)) == [FIRST + 1]
    assert rig.notices.dropped == {"behind": 3}


def test_the_timestamp_goes_on_by_the_time_that_passed() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    assert sent(rig.packet(10, starts=True, now=1.0, timestamp=7))[0][0].timestamp == 1_000
    rig.track = Track(Kind.VIDEO, 2)
    rig.route("other")
    found = sent(rig.packet(900, starts=True, now=1.5, timestamp=4_000_000_000, publication="other"))
    assert found[0][0].timestamp == 1_000 + 45_000
    assert found[0][0].number == FIRST + 1


def test_timestamps_that_begin_anew_do_not_leap() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    rig.packet(10, starts=True, now=1.0, timestamp=0)
    found = sent(rig.packet(11, now=1.1, timestamp=3_000_000_000))
    assert found[0][0].timestamp == 1_000 + 9_000


def test_resends_are_the_same_bytes() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    first = rig.packet(10, starts=True)
    assert isinstance(first[0], Forward)
    found = rig.stream.resend("p1", iter([FIRST]))
    assert found.actions == [Resend(first[0].packets, 1, 0)]
    assert rig.stream.resend("stranger", iter([FIRST])).actions == []


def test_what_the_ring_lost_needs_a_key_frame() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    for number in range(10, 1_300):
        rig.packet(number, starts=number == 10, now=number / 200)
    assert rig.stream.resend("p1", iter([FIRST])).too_old
    assert not rig.stream.resend("p1", iter([FIRST - 1])).too_old


def test_a_viewer_without_the_codec_is_named_once() -> None:
    rig = Rig()
    rig.codec = Codec.H264
    rig.watch(1, {Codec.VP8: 120})
    rig.route()
    assert rig.packet(10, starts=True) == []
    rig.route()
    rig.packet(11, starts=True)
    assert rig.notices.lacking == [("p1", "guest", Codec.H264)]


def test_a_group_is_replayed_in_order_and_paced() -> None:
    rig = Rig(limits=Limits(replay_rate=1_000.0))
    rig.route()
    now = 1.0
    for number in range(100):
        rig.packet(10 + number, starts=number == 0, now=now)
        now += 0.01
    rig.watch(1)
    rig.stream.tick(now, replay=True)
    seen: list[int] = []
    for turn in range(60):
        now += 0.01
        actions = rig.stream.tick(now, replay=True)
        packets = [packet for action in actions if isinstance(action, Resend) for packet in action.packets]
        assert len(packets) <= 11
        seen += [parse_rtp(packet).number for packet in packets]
        seen += numbers(rig.packet(110 + turn, now=now))
    assert seen == list(range(FIRST, FIRST + 160))


def test_a_group_that_grows_too_large_is_dropped() -> None:
    rig = Rig(limits=Limits(group_bytes=10_000))
    rig.route()
    for number in range(20):
        rig.packet(10 + number, starts=number == 0, payload=bytes(1_000))
    rig.watch(1)
    assert rig.stream.tick(1.0, replay=True) == []
    assert rig.stream.wants_key_frames_of == [("pub", 0)]


def test_a_written_packet_has_the_payload_type_of_its_family() -> None:
    packet = pack_rtp(0, 1, 65_536 + 5, 6, 7, b"payload")
    written = parse_rtp(write(Kept(65_536 + 5, packet, Codec.VP8), 96))
    assert written == Rtp(96, 1, 5, 6, 7, b"payload")


def test_the_packets_of_a_frame_are_padded_to_equal_sizes() -> None:
    rig = Rig()
    rig.watch(1)
    rig.route()
    # As Chromium cuts a frame.
    payloads = [bytes([number]) * size for number, size in enumerate((1_057, 1_057, 1_058, 1_058, 1_060), 1)]
    actions = [action for number, one in enumerate(payloads) for action in rig.packet(number, number == 0, payload=one)]
    forwarded = [packet for one in actions if isinstance(one, Forward) for packet in one.packets]
    assert {len(packet) for packet in forwarded} == {1_060 + 16}
    assert [parse_rtp(packet).payload for packet in forwarded] == payloads
    assert rig.stream.octets == sum(map(len, payloads))  # RFC 3550 §6.4.1: without padding
    resent = rig.stream.resend("p1", iter(range(FIRST, FIRST + 5))).actions
    assert resent == [Resend(tuple(forwarded), 1, 0)]


def test_short_packets_and_sound_are_not_padded() -> None:
    for kind, payload in ((Kind.VIDEO, bytes(299)), (Kind.AUDIO, bytes(401))):
        rig = Rig(kind)
        rig.watch(1)
        rig.route()
        actions = rig.packet(1, starts=True, payload=payload)
        (packet,) = (packet for one in actions if isinstance(one, Forward) for packet in one.packets)
        assert len(packet) == 16 + len(payload)
