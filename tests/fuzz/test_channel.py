"""Whatever a page sends is one bounded message or one error; whatever a room is fed, it decides."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.facts import LectureState
from classroom.errors import ProtocolError, UserError
from classroom.room import messages
from classroom.room.actions import Broadcast
from classroom.room.counting import Standing
from classroom.room.inputs import (
    Input,
    Joined,
    Lagged,
    Left,
    Ordered,
    Person,
    PublicationClosed,
    PublicationFellSilent,
    PublicationFlowed,
    PublicationOpened,
    Received,
    RelayLost,
    RelayReturned,
    Ticked,
)
from classroom.room.lecture import TRANSITIONS, Life
from classroom.room.messages import decode
from classroom.room.room import About, Room
from signaling.session.offer import Codec

TYPES = ["hello", "heartbeat", "chat", "quality", "trouble", "lecture", "snapshot", "batch", "", "x"]
FIELDS = ["type", "ticket", "last", "version", "page", "device", "visible", "playing", "text", "key", "fps", "freezes"]
FIELDS += ["loss", "delay_ms", "rtt_ms", "cause", "detail", "action", "more"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=600)
    | st.sampled_from(["start", "room"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)}, optional={name: VALUES for name in FIELDS if name != "type"}
)


def bounded(message: messages.ClientMessage) -> None:
    """What decoded keeps every limit of docs/protocol.md §3."""
    for name, longest in (("text", 500), ("key", 40), ("detail", 200), ("device", 64), ("ticket", 512)):
        value = getattr(message, name, None)
        assert value is None or len(value) <= longest
    for name in ("loss", "fps", "delay_ms", "rtt_ms"):
        value = getattr(message, name, None)
        assert value is None or 0 <= value < 1e6


@given(st.text() | st.binary() | OBJECTS.map(lambda each: json.dumps(each, allow_nan=True)))
@settings(max_examples=600, deadline=None)
def test_a_frame_is_one_message_or_one_error(frame: str | bytes) -> None:
    try:
        message = decode(frame)
    except ProtocolError:
        return
    bounded(message)


@given(st.integers(min_value=1, max_value=100_000), st.sampled_from(["[", '{"a":', '{"type":"chat","text":[']))
@settings(max_examples=20, deadline=None)
def test_depth_without_end_is_one_error(depth: int, opening: str) -> None:
    try:
        decode(opening * depth)
    except ProtocolError:
        return
    raise AssertionError("it cannot be a message")


class Nobody:
    def standing(self, member: str, now: int) -> Standing:
        return Standing(False, 0)

    def receiving(self) -> int:
        return 0


NAMES = st.sampled_from(["a", "b", "c"])
ROLES = st.sampled_from(["member", "guest", "host", "lecturer", "operator", "?"])
PEERS = st.sampled_from(["p1", "p2", "p3"])
SLOTS = st.sampled_from(["lecturer", "screen", "host", "guest", "backstage", "?"])
PEOPLE = st.builds(Person, NAMES, st.just("名"), st.just("支部"), ROLES)
TIMES = st.integers(min_value=0, max_value=10**16)
SAID = st.one_of(
    st.builds(messages.Say, st.text(min_size=1, max_size=20), st.none() | NAMES),
    st.builds(messages.Heartbeat, st.booleans(), st.booleans()),
    st.builds(messages.Trouble, st.sampled_from(messages.Cause)),
    st.builds(messages.Quality),
    st.builds(messages.Command, st.sampled_from(["start", "end"])),
)
INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.builds(Joined, NAMES, PEOPLE, st.sampled_from(messages.Page), NAMES, st.none() | st.integers(0, 50)),
    st.builds(Left, NAMES, TIMES, st.just("closed")),
    st.builds(Lagged, NAMES),
    st.builds(Received, NAMES, SAID),
    st.builds(PublicationOpened, PEERS, SLOTS, PEOPLE),
    st.builds(PublicationFlowed, PEERS, TIMES, st.none() | st.sampled_from(Codec)),
    st.builds(PublicationFellSilent, PEERS, TIMES),
    st.builds(PublicationClosed, PEERS, TIMES, st.booleans()),
    st.builds(RelayLost, TIMES),
    st.builds(RelayReturned),
    st.builds(Ordered, st.sampled_from(["start", "end"]), st.none()),
    st.just(Ticked()),
)


@given(st.lists(st.tuples(INPUTS, st.integers(0, 20_000_000)), max_size=60), st.none() | st.integers(0, 2 * 10**8))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_room_decides_on_whatever_comes(steps: list[tuple[Any, int]], starts: int | None) -> None:
    about = About("l", "讲座", starts, None, "/whip/l", "/whep/l")
    room = Room(about, Life(starts), Nobody(), 0)
    now, seq = 0, 0
    state = LectureState.PLANNED
    for message, later in steps:
        now += later
        if isinstance(message, Joined) and room.crowd.get(message.connection) is not None:
            continue  # connections are unique
        try:
            actions = room.receive(message, now)
        except UserError:
            assert isinstance(message, Ordered)
            continue
        for action in actions:
            if isinstance(action, Broadcast):
                seq += 1
                assert action.message.seq == seq
                assert json.loads(action.frame)["seq"] == seq
                if isinstance(action.message, messages.LectureChanged):
                    assert action.message.state in {to for (at, _), to in TRANSITIONS.items() if at is state}
                    state = action.message.state
        assert room.life.state is state
        views = {view.slot: view for view in room.slots.views()}
        assert len(views) == 4
        assert all((view.state is messages.SlotState.EMPTY) == (view.name is None) for view in views.values())
