"""Whatever a page sends is one bounded message or one error; whatever a room is fed, it decides."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from attendance.facts import LectureState
from classroom.errors import ProtocolError, UserError
from classroom.room import messages, messages_talk
from classroom.room.actions import Broadcast, Remove, Rewrite, Tell, TellMember, TellThose
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
from tests.unit.classroom.roll import NoHistory

CLIENT: list[Any] = [kind for kind in get_args(messages.ClientMessage) if kind is not messages.Hello]
TYPES = ["hello", *(str(kind.__struct_config__.tag) for kind in CLIENT), "snapshot", "batch", "", "x"]
FIELDS = sorted({name for kind in (messages.Hello, *CLIENT) for name in kind.__struct_fields__} | {"more"})
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
OBJECTS = st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(FIELDS, VALUES))

HOSTILE = st.sampled_from(
    [
        "\u202e\u2066反\u2069",
        "\u200b\u200d\ufeff",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "\x00\x1b[2J",
        "Z" + "\u0336" * 300,
        "坏\u200b话",
        "👩\u200d👩\u200d👧" * 60,
    ]
)
POINTS = st.sampled_from([f"{kind}{number}" for kind in "cqp" for number in range(4)])
MEMBERS = ["a", "b", "c"]


def within(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """What keeps the limits of a field, by its type."""
    if isinstance(kind, inspect.UnionType):
        return st.one_of(*(within(each) for each in kind.types))
    if isinstance(kind, inspect.NoneType):
        return st.none()
    if isinstance(kind, inspect.BoolType):
        return st.booleans()
    if isinstance(kind, inspect.IntType):
        return st.integers(kind.ge, kind.le)
    if isinstance(kind, inspect.FloatType):
        return st.floats(kind.ge, kind.le)
    if isinstance(kind, inspect.EnumType):
        return st.sampled_from(list(kind.cls))
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.VarTupleType):
        longest = min(kind.max_length or 5, 5)
        return st.lists(within(kind.item_type), min_size=kind.min_length or 0, max_size=longest).map(tuple)
    if isinstance(kind, inspect.StructType):
        return st.builds(kind.cls, **{field.name: within(field.type) for field in kind.fields})
    assert isinstance(kind, inspect.StrType), kind
    pattern, longest, shortest = kind.pattern, kind.max_length or 500, kind.min_length or 0
    if pattern is not None:
        return POINTS.filter(lambda text: re.search(pattern, text) is not None)
    text = st.sampled_from(MEMBERS) | HOSTILE | st.text(min_size=shortest, max_size=min(longest, 30))
    return text.map(lambda each: each[:longest])


def exactly_one(kind: Any) -> st.SearchStrategy[Any]:
    """A message that decodes: of those that point at somebody, by one of the two ways."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {field.name: within(field.type) for field in info.fields}
    if kind in (messages_talk.Mute, messages_talk.Bar):
        pointed = st.tuples(within(inspect.type_info(messages_talk.SaidId)), st.none())
        named = st.tuples(st.none(), st.sampled_from(MEMBERS))
        on = st.booleans()
        return st.builds(lambda on, it: kind(on, *it), on, pointed | named)
    return st.builds(kind, **fields)


WELL_FORMED = st.one_of(*(exactly_one(kind) for kind in CLIENT))


def bounded(message: messages.ClientMessage) -> None:
    """What decoded keeps every limit of docs/protocol.md §3."""
    limits = {"text": 500, "key": 40, "detail": 200, "device": 64, "ticket": 512, "question": 200, "member": 64}
    limits |= {"said": 16, "reply": 16, "poll": 16, "options": 10, "choices": 10, "words": 2_000}
    for name, longest in limits.items():
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


@given(WELL_FORMED)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_page_may_say_is_read_as_it_was_said(message: Any) -> None:
    decoded = decode(msgspec.json.encode(message))
    assert decoded == message
    bounded(decoded)


@given(st.integers(min_value=1, max_value=100_000), st.sampled_from(["[", '{"a":', '{"type":"chat","text":[']))
@settings(max_examples=20, deadline=None)
def test_depth_without_end_is_one_error(depth: int, opening: str) -> None:
    try:
        decode(opening * depth)
    except ProtocolError:
        return
    raise AssertionError("it cannot be a message")


def harmless(frame: bytes) -> None:
    """What pages are told turns no direction of writing and hides nothing."""
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff]|\\\\u00[01]", frame.decode())


class Nobody(NoHistory):
    def standing(self, member: str, now: int) -> Standing:
        return Standing(False, 0)

    def receiving(self) -> frozenset[str]:
        return frozenset()

    def excused(self) -> frozenset[str]:
        return frozenset()


NAMES = st.sampled_from(MEMBERS)
ROLES = st.sampled_from(["member", "guest", "host", "lecturer", "operator", "?"])
PEERS = st.sampled_from(["p1", "p2", "p3"])
SLOTS = st.sampled_from(["lecturer", "screen", "host", "guest", "backstage", "?"])
PEOPLE = st.builds(Person, NAMES, st.just("名"), st.just("支部"), ROLES)
TIMES = st.integers(min_value=0, max_value=10**16)
INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.builds(Joined, NAMES, PEOPLE, st.sampled_from(messages.Page), NAMES, st.none() | st.integers(0, 50)),
    st.builds(Left, NAMES, TIMES, st.just("closed")),
    st.builds(Lagged, NAMES),
    st.builds(Received, NAMES, WELL_FORMED),
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
            assert not isinstance(action, TellMember | TellThose | Rewrite | Remove)  # the room's own to do
            if isinstance(action, Tell):
                harmless(messages.encode(action.message))
            if isinstance(action, Broadcast):
                harmless(action.frame)
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
