"""Who may do what."""

from __future__ import annotations

import pytest

from attendance.roster import Role
from classroom.people.role import OPERATOR, ORGANIZER, RIGHTS, may_publish, rights, viewer_slots
from classroom.people.staff import StaffMember
from signaling.io.loop_layout import STREAMS

SLOTS = ("lecturer", "screen", "host", "guest")


@pytest.mark.parametrize(
    ("role", "publishes"),
    [
        (Role.LECTURER, ("lecturer", "screen")),
        (Role.HOST, ("screen", "host")),
        (Role.GUEST, ("guest",)),
        (Role.MEMBER, ()),
        (ORGANIZER, ()),
        (OPERATOR, ()),
        ("stranger", ()),
    ],
)
def test_who_publishes_where(role: str, publishes: tuple[str, ...]) -> None:
    assert tuple(slot for slot in (*SLOTS, "backstage") if may_publish(role, slot)) == publishes


def test_the_stage_sees_backstage_and_members_do_not() -> None:
    assert viewer_slots(Role.MEMBER) == SLOTS
    for role in (Role.LECTURER, Role.HOST, Role.GUEST):
        assert viewer_slots(role) == (*SLOTS, "backstage")
    assert viewer_slots(OPERATOR) == ()


def test_the_compiled_packet_path_encrypts_every_stream_that_anybody_is_sent() -> None:
    """Sound and picture of each slot: beyond its bound it still sends, at twice the cost."""
    assert max(2 * len(viewer_slots(role)) for role in RIGHTS) <= STREAMS


def test_only_members_are_counted_and_only_staff_sees_the_console() -> None:
    assert [role for role, each in RIGHTS.items() if each.counted] == [Role.MEMBER]
    assert {role for role, each in RIGHTS.items() if each.console} == {OPERATOR, ORGANIZER}
    assert {role for role, each in RIGHTS.items() if each.move} == {OPERATOR, Role.LECTURER, Role.HOST}


def test_a_stranger_may_nothing() -> None:
    assert not any(getattr(rights("stranger"), name) for name in rights("stranger").__struct_fields__)


def test_the_root_branch_makes_an_operator() -> None:
    assert StaffMember("1", "a", ()).role == OPERATOR
    assert StaffMember("1", "a", ("镇巴县",)).role == ORGANIZER
