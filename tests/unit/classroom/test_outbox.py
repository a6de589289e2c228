from __future__ import annotations

import msgspec

from classroom.room.actions import Broadcast
from classroom.room.messages import Presence
from classroom.room.messages_talk import ChatDeleted
from classroom.room.outbox import BOOT_STRIDE, KEPT, Outbox


def filled(count: int, boots: int = 0) -> Outbox:
    outbox = Outbox(boots)
    for number in range(count):
        outbox.number(Broadcast(Presence(0, number)))
    return outbox


def test_what_is_rewritten_keeps_its_number_and_its_place() -> None:
    outbox = filled(5, boots=2)
    first = 2 * BOOT_STRIDE
    outbox.rewrite(ChatDeleted(first + 3, "c1"))
    frames = outbox.since(first)
    assert frames is not None
    said = [msgspec.json.decode(frame) for frame in frames]
    assert [each["seq"] for each in said] == list(range(first + 1, first + 6))
    assert [each["type"] for each in said] == ["presence", "presence", "chat-deleted", "presence", "presence"]
    assert outbox.messages()[2] == ChatDeleted(first + 3, "c1")


def test_what_is_not_kept_is_not_rewritten() -> None:
    outbox = filled(KEPT + 10)
    for number in (0, 10, KEPT + 11):
        outbox.rewrite(ChatDeleted(number, "c1"))
    Outbox().rewrite(ChatDeleted(1, "c1"))
    assert {type(message) for message in outbox.messages()} == {Presence}
    outbox.rewrite(ChatDeleted(11, "c1"))
    assert outbox.messages()[0] == ChatDeleted(11, "c1")


def test_a_room_that_moved_knows_what_was_said_before() -> None:
    before = filled(3)
    frames = before.since(0)
    assert frames is not None
    after = Outbox(1)
    after.restore(0, frames)
    assert after.messages() == before.messages()


def test_what_a_newer_node_said_is_passed_on_as_it_is() -> None:
    outbox = Outbox()
    frames = (b'{"type":"something-new","seq":8}', msgspec.json.encode(Presence(9, 1)))
    outbox.restore(7, frames)
    assert outbox.messages() == [Presence(9, 1)]
    assert outbox.since(7) == frames
