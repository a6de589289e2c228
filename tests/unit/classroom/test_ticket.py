"""Tickets: issued, read, changed on the way, expired, revoked."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.roster import Invitation, Member
from classroom.people.invitations import CACHED, FRESH, Door
from classroom.people.ticket import Ticket, TicketBad, TicketError, TicketExpired, TicketRevoked, TicketSigner

SECOND = 1_000_000
SIGNER = TicketSigner(["a secret of the tests"])
EXPIRES = 2_000 * SECOND
INVITATION = Invitation("lecture", Member("member", "张伟", ("镇巴县",)), "member", 3)
TEXT = SIGNER.issue(INVITATION, EXPIRES)


def test_a_ticket_says_what_its_invitation_says() -> None:
    assert SIGNER.read(TEXT, 0) == Ticket("lecture", "member", "member", 3, 2_000)
    assert SIGNER.issue(INVITATION, EXPIRES) == TEXT
    assert len(TEXT) < 120


def test_a_ticket_expires() -> None:
    assert SIGNER.read(TEXT, EXPIRES - 1)
    with pytest.raises(TicketExpired) as caught:
        SIGNER.read(TEXT, EXPIRES)
    assert caught.value.reason == "ticket-expired"


@given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"))
def test_a_changed_ticket_opens_nothing(at: int, letter: str) -> None:
    changed = TEXT[:at] + letter + TEXT[at + 1 :]
    if changed == TEXT:
        return
    with pytest.raises(TicketBad):
        SIGNER.read(changed, 0)


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(TicketBad):
        SIGNER.read(text, 0)


def test_no_other_last_letter_opens_anything() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    for letter in letters.replace(TEXT[-1], ""):
        with pytest.raises(TicketBad):
            SIGNER.read(TEXT[:-1] + letter, 0)


def test_a_long_text_is_refused_unread() -> None:
    with pytest.raises(TicketBad):
        SIGNER.read(TEXT + "." * 10_000, 0)


def test_keys_are_rotated_and_purposes_kept_apart() -> None:
    rotated = TicketSigner(["a secret of the tests", "the next one"])
    assert rotated.read(TEXT, 0) == SIGNER.read(TEXT, 0)
    with pytest.raises(TicketBad):
        SIGNER.read(rotated.issue(INVITATION, EXPIRES), 0)
    with pytest.raises(TicketBad):
        TicketSigner(["a secret of the tests"], "another purpose").read(TEXT, 0)
    for wrong in ([], [""]):
        with pytest.raises(ValueError, match="secret"):
            TicketSigner(wrong)


def test_an_id_with_a_dot_is_never_written() -> None:
    with pytest.raises(ValueError, match="dot"):
        SIGNER.issue(Invitation("a.b", INVITATION.member, "member", 1), EXPIRES)


class Book:
    """Counts how often it is asked."""

    def __init__(self, *invitations: Invitation) -> None:
        self.asked = 0
        self.known = {(one.lecture, one.member.id): one for one in invitations}

    async def invitation(self, lecture: str, member: str) -> Invitation | None:
        self.asked += 1
        return self.known.get((lecture, member))


async def test_the_door_asks_once_and_after_a_while_again() -> None:
    book = Book(INVITATION)
    door = Door(SIGNER, book)
    for now in (0, 1, FRESH - 1):
        assert await door.read(TEXT, now) == INVITATION
    assert book.asked == 1
    await door.read(TEXT, FRESH)
    assert book.asked == 2


async def test_a_renewed_link_revokes_the_old_one_at_once() -> None:
    book = Book(INVITATION)
    door = Door(SIGNER, book)
    await door.read(TEXT, 0)
    renewed = Invitation("lecture", INVITATION.member, "member", 4)
    book.known["lecture", "member"] = renewed
    door.forget("lecture", "member")
    with pytest.raises(TicketRevoked):
        await door.read(TEXT, 1)
    assert await door.read(door.issue(renewed, EXPIRES), 1) == renewed


@pytest.mark.parametrize("left", [None, Invitation("lecture", INVITATION.member, "guest", 3)])
async def test_a_place_taken_back_or_changed_revokes_its_link(left: Invitation | None) -> None:
    book = Book(*([] if left is None else [left]))
    with pytest.raises(TicketError) as caught:
        await Door(SIGNER, book).read(TEXT, 0)
    assert caught.value.reason == "ticket-revoked"


async def test_a_changed_roster_forgets_the_lecture() -> None:
    book = Book(INVITATION)
    door = Door(SIGNER, book)
    await door.read(TEXT, 0)
    door.forget("another")
    await door.read(TEXT, 0)
    assert book.asked == 1
    door.forget("lecture")
    await door.read(TEXT, 0)
    assert book.asked == 2


async def test_the_doors_memory_is_bounded() -> None:
    book = Book()
    door = Door(SIGNER, book)
    tickets = [
        SIGNER.issue(Invitation("lecture", Member(str(at), "", ()), "member", 1), EXPIRES) for at in range(CACHED + 1)
    ]
    for text in [*tickets, tickets[0]]:
        with pytest.raises(TicketRevoked):
            await door.read(text, 0)
    assert book.asked == CACHED + 2


async def test_what_was_read_before_a_change_and_arrives_after_it_is_not_kept() -> None:
    book, reading, changed = Book(INVITATION), asyncio.Event(), asyncio.Event()
    look_up = book.invitation

    async def slow(lecture: str, member: str) -> Invitation | None:
        found = await look_up(lecture, member)
        reading.set()
        await changed.wait()
        return found

    book.invitation = slow  # type: ignore[method-assign]
    door = Door(SIGNER, book)
    early = asyncio.create_task(door.read(TEXT, 0))
    await reading.wait()
    book.known["lecture", "member"] = Invitation("lecture", INVITATION.member, "member", 4)
    door.forget("lecture", "member")
    changed.set()
    assert await early == INVITATION
    assert not await door.holds(INVITATION, 1)
    with pytest.raises(TicketRevoked):
        await door.read(TEXT, 1)
