from __future__ import annotations

from random import Random

from signaling.control import Audience
from signaling.relay.actions import Forward
from signaling.relay.limits import Limits
from signaling.relay.notices import Notices
from signaling.relay.publication import Arrival, Track
from signaling.relay.slot import FIRST_NUMBERS, Slots
from signaling.relay.stream import Feed
from signaling.relay.subscription import Subscription
from signaling.session.offer import Codec, Kind
from signaling.wire import parse_rtp


def slots() -> Slots:
    return Slots(Random(1), Limits(), Notices())


def test_a_slot_is_made_once() -> None:
    found = slots()
    assert found.named("guest") is found.named("guest")
    assert len(found) == 1


def test_every_stream_has_its_own_ssrc_and_begins_far_from_a_wrap() -> None:
    found = slots()
    streams = [stream for name in ("lecturer", "screen", "guest") for stream in found.named(name).streams.values()]
    assert len({stream.ssrc for stream in streams}) == 6
    for stream in streams:
        stream.route(Feed("p", "m", Audience.EVERYONE), 0.0)
        stream.add(Subscription("v", "x", False, 0, {Codec.OPUS: 111}))
        arrival = Arrival(Track(stream.kind, 1), Codec.OPUS, 65_536, 1, 0, b"x", True, None)
        (sent,) = stream.receive("p", arrival, 0.0, behind=False, keep=False)
        assert isinstance(sent, Forward)
        assert parse_rtp(sent.packets[0]).number in FIRST_NUMBERS


def test_a_publication_takes_only_the_streams_of_its_kinds() -> None:
    slot = slots().named("guest")
    slot.route(Feed("one", "m", Audience.EVERYONE), frozenset(Kind), 0.0)
    slot.route(Feed("two", "m", Audience.EVERYONE), frozenset({Kind.AUDIO}), 0.0)
    assert slot.streams[Kind.AUDIO].next_feed is not None
    assert slot.streams[Kind.VIDEO].next_feed is slot.streams[Kind.VIDEO].feed is None


def test_unroute_takes_off_only_that_publication() -> None:
    slot = slots().named("guest")
    slot.route(Feed("one", "m", Audience.EVERYONE), frozenset(Kind), 0.0)
    slot.unroute("two")
    assert slot.streams[Kind.VIDEO].next_feed is not None
    slot.unroute("one")
    assert slot.streams[Kind.VIDEO].next_feed is None
