"""The stage: several guests are open at once, and routes say who of them is seen by whom."""

from __future__ import annotations

from itertools import pairwise

import pytest

from signaling.control import Audience, ClosePeer, Closing, PeerClosed, PublicationSilent, Route
from signaling.session.offer import Kind
from tests.sim.simulated_evening import MEMBER_SLOTS, Evening
from tests.sim.simulated_peers import Received, Viewer

STAGE_SLOTS = (*MEMBER_SLOTS, "backstage")


def senders(received: Received) -> list[bytes]:
    """Who was heard or seen, in the order of numbers, each change once."""
    found: list[bytes] = []
    for number in sorted(received.packets):
        name = received.packets[number].payload[2 if received.packets[number].payload[:1] in b"\x10\x00" else 1 :]
        name = name.split(b" ")[0]
        if found[-1:] != [name]:
            found.append(name)
    return found


def continuous(received: Received) -> None:
    numbers = sorted(received.packets)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    timestamps = [received.packets[number].timestamp for number in numbers]
    assert all(0 <= (after - before) & 0xFFFFFFFF < 90_000 * 10 for before, after in pairwise(timestamps))


def since(received: Received, moment: float) -> list[float]:
    return [when for when in received.times if when > moment]


def quiet(viewer: Viewer, slot: str, moment: float) -> bool:
    """It was sent nothing of this slot since."""
    ssrcs = [ssrc for ssrc, (name, _) in viewer.slots.items() if name == slot]
    return not any(since(viewer.received[ssrc], moment) for ssrc in ssrcs if ssrc in viewer.received)


def test_guests_of_several_members_are_open_together() -> None:
    evening = Evening()
    evening.publish("li-p", slot="guest", member="li")
    viewer = evening.watch("v")
    evening.time.run(2)
    evening.publish("wang-p", slot="guest", member="wang", route=None)
    evening.time.run(2)
    assert evening.told(PeerClosed) == []
    assert senders(viewer.of("guest", Kind.VIDEO)) == [b"li"]
    evening.publish("li-again", slot="guest", member="li", route=None)
    evening.time.run(2)
    assert [(event.peer, event.reason) for event in evening.told(PeerClosed)] == [("li-p", Closing.REPLACED)]
    assert viewer.of("guest", Kind.VIDEO).times[-1] > evening.time.now - 0.1
    continuous(viewer.of("guest", Kind.VIDEO))


def test_a_guest_goes_from_backstage_to_everyone_and_off() -> None:
    evening = Evening()
    guest = evening.publish("g", slot="guest", member="li", route=None)
    stage, member = evening.watch("dean", slots=STAGE_SLOTS), evening.watch("m")
    evening.time.run(2)
    assert not stage.received
    assert not member.received

    evening.command(Route("g", "backstage", Audience.STAGE))
    evening.time.run(2)
    assert len(since(stage.of("backstage", Kind.VIDEO), 1002.0)) > 200
    assert not member.received

    shown = evening.time.now
    evening.command(Route("g", "guest", Audience.EVERYONE))
    evening.time.run(2)
    for viewer in (stage, member):
        for kind in Kind:
            assert since(viewer.of("guest", kind), shown)[0] - shown <= 0.3
        assert quiet(viewer, "backstage", shown + 0.1)
    first = member.of("guest", Kind.VIDEO)
    assert first.packets[first.first].payload.startswith(b"\x10\x00li")

    off = evening.time.now
    evening.command(Route("g", "guest", Audience.NOBODY))
    sent, asked = evening.relay.schedule.sent, len(guest.plis)
    evening.time.run(5)
    assert evening.relay.schedule.sent == sent
    assert len(guest.plis) == asked
    assert quiet(member, "guest", off + 0.1)
    assert quiet(stage, "guest", off + 0.1)
    assert evening.told(PublicationSilent) == []

    shown = evening.time.now
    evening.command(Route("g", "guest", Audience.EVERYONE))
    evening.time.run(1)
    assert since(member.of("guest", Kind.VIDEO), shown)[0] - shown <= 0.3
    for kind in Kind:
        continuous(member.of("guest", kind))
        assert not member.of("guest", kind).missing


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.2, 0.45])
def test_a_switch_waits_for_no_request_made_before(pause: float) -> None:
    """Somebody of the stage joined a moment ago, so that a key frame of the same publication was just asked for."""
    evening = Evening()
    evening.publish("g", slot="guest", member="li", route=None)
    evening.command(Route("g", "backstage", Audience.STAGE))
    member = evening.watch("m")
    evening.time.run(3)
    evening.watch("dean", slots=STAGE_SLOTS)
    evening.time.run(0.1 + pause)
    shown = evening.time.now
    evening.command(Route("g", "guest", Audience.EVERYONE))
    evening.time.run(1)
    assert since(member.of("guest", Kind.VIDEO), shown)[0] - shown <= 0.3


def test_a_guest_who_is_replaced_by_another_and_leaves() -> None:
    evening = Evening()
    evening.publish("a", slot="guest", member="li")
    evening.publish("b", slot="guest", member="wang", route=None)
    viewer = evening.watch("v")
    evening.time.run(2)
    switched = evening.time.now
    evening.command(Route("b", "guest", Audience.EVERYONE))
    evening.time.run(1)
    evening.command(ClosePeer("a", Closing.DELETED))
    evening.time.run(2)
    for kind in Kind:
        received = viewer.of("guest", kind)
        assert senders(received) == [b"li", b"wang"]
        assert max(after - before for before, after in pairwise(since(received, switched - 0.1))) <= 0.3
        continuous(received)
    evening.command(ClosePeer("b", Closing.DELETED))
    ended = evening.time.now
    evening.time.run(1)
    assert quiet(viewer, "guest", ended + 0.1)


def test_the_swap_of_next_is_a_hole_no_longer_than_a_key_frame_takes() -> None:
    """As the room orders it: off first, so that nobody is seen who is off, whatever becomes of the next one."""
    evening = Evening()
    evening.publish("a", slot="guest", member="li")
    evening.publish("b", slot="guest", member="wang", route=None)
    evening.command(Route("b", "backstage", Audience.STAGE))
    viewer = evening.watch("v")
    evening.time.run(2)
    switched = evening.time.now
    evening.command(Route("a", None, Audience.NOBODY))
    evening.command(Route("b", "guest", Audience.EVERYONE))
    evening.time.run(2)
    for kind in Kind:
        received = viewer.of("guest", kind)
        assert senders(received) == [b"li", b"wang"]
        assert max(after - before for before, after in pairwise(since(received, switched - 0.1))) <= 0.3
        continuous(received)


def test_a_guest_who_is_taken_off_before_the_next_has_a_picture() -> None:
    evening = Evening()
    evening.publish("a", slot="guest", member="li")
    evening.publish("b", slot="guest", member="wang", route=None)
    viewer = evening.watch("v")
    evening.time.run(2)
    evening.command(Route("a", "backstage", Audience.STAGE))
    evening.command(Route("b", "guest", Audience.EVERYONE))
    evening.command(ClosePeer("b", Closing.DELETED))
    moment = evening.time.now
    evening.time.run(1)
    assert quiet(viewer, "guest", moment + 0.1)


def test_nobody_is_sent_their_own_voice_backstage() -> None:
    evening = Evening()
    evening.publish("li-p", slot="guest", member="li", route=None)
    evening.command(Route("li-p", "backstage", Audience.STAGE))
    own = evening.watch("li-v", member="li", slots=STAGE_SLOTS)
    other = evening.watch("dean", slots=STAGE_SLOTS)
    evening.time.run(2)
    for slot, audience in (("backstage", Audience.STAGE), ("guest", Audience.EVERYONE), ("host", Audience.EVERYONE)):
        evening.command(Route("li-p", slot, audience))
        evening.time.run(2)
        assert own.of(slot, Kind.AUDIO).packets == {}
        assert len(own.of(slot, Kind.VIDEO).packets) > 100
        assert len(other.of(slot, Kind.AUDIO).packets) > 80


def test_a_member_who_is_invited_has_no_line_backstage() -> None:
    """They publish backstage, and watch what members watch: who is on the stage sees them, they see the lecture."""
    evening = Evening()
    evening.publish("lecturer", member="prof")
    own = evening.watch("zhao-v", member="zhao")
    stage = evening.watch("dean", slots=STAGE_SLOTS)
    evening.time.run(2)
    evening.publish("zhao-p", slot="guest", member="zhao", route=None)
    evening.command(Route("zhao-p", "backstage", Audience.STAGE))
    evening.time.run(2)
    assert len(stage.of("backstage", Kind.VIDEO).packets) > 100
    assert not any(slot == "backstage" for slot, _ in own.slots.values())
    evening.command(Route("zhao-p", "guest", Audience.EVERYONE))
    evening.time.run(2)
    assert len(own.of("guest", Kind.VIDEO).packets) > 100
    assert own.of("guest", Kind.AUDIO).packets == {}
    assert len(stage.of("guest", Kind.AUDIO).packets) > 80
    lecture = own.of("lecturer", Kind.VIDEO)
    assert max(after - before for before, after in pairwise(lecture.times)) < 0.2
    assert not lecture.missing
