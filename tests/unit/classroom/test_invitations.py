"""One query for those who ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from attendance.errors import StoreUnavailable
from attendance.roster import Invitation, Member
from classroom.io import invitations_asyncio
from classroom.io.invitations_asyncio import AT_ONCE, GatheredInvitations


class Book:
    """Everybody is invited whose id does not begin with "nobody"."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, set[str]]] = []
        self.away = False
        self.serial = 1
        self.open = asyncio.Event()
        self.open.set()

    async def of_members(self, lecture: str, members: Collection[str]) -> list[Invitation]:
        self.asked.append((lecture, set(members)))
        serial = self.serial
        await self.open.wait()
        if self.away:
            raise StoreUnavailable("away")
        return [
            Invitation(lecture, Member(one, one, ()), "member", serial)
            for one in members
            if not one.startswith("nobody")
        ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations_asyncio, "GATHER", 0.01)


async def test_who_asks_together_is_answered_by_one_query() -> None:
    book = Book()
    gathered = GatheredInvitations(book)
    assert (await gathered.invitation("l", "alone")) is not None  # at once
    found = await asyncio.gather(*(gathered.invitation("l", name) for name in ("a", "b", "nobody", "a")))
    assert [one and one.member.id for one in found] == ["a", "b", None, "a"]
    assert book.asked == [("l", {"alone"}), ("l", {"a", "b", "nobody"})]


async def test_lectures_and_hundreds_are_asked_for_apart() -> None:
    book = Book()
    gathered = GatheredInvitations(book)
    names = [f"m{number}" for number in range(AT_ONCE + 1)]
    found = await asyncio.gather(gathered.invitation("other", "x"), *(gathered.invitation("l", name) for name in names))
    assert all(found)
    assert [(lecture, len(members)) for lecture, members in book.asked] == [("other", 1), ("l", AT_ONCE), ("l", 1)]


async def test_nobody_is_given_what_was_read_before_they_asked() -> None:
    book = Book()
    gathered = GatheredInvitations(book)
    book.open.clear()
    early = asyncio.create_task(gathered.invitation("l", "a"))
    await asyncio.sleep(0.02)
    book.serial = 2
    late = asyncio.create_task(gathered.invitation("l", "a"))
    await asyncio.sleep(0)
    book.open.set()
    first, second = await early, await late
    assert first is not None
    assert second is not None
    assert (first.serial, second.serial) == (1, 2)


async def test_a_book_that_is_away_is_told_to_everybody_at_once() -> None:
    book = Book()
    gathered = GatheredInvitations(book)
    book.away = True
    asking = (gathered.invitation("l", str(number)) for number in range(20))
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    assert len(book.asked) == 1
    book.away = False
    assert await gathered.invitation("l", "a")


async def test_who_asked_for_all_may_go_away() -> None:
    book = Book()
    gathered = GatheredInvitations(book)
    book.open.clear()
    leader = asyncio.create_task(gathered.invitation("l", "a"))
    await asyncio.sleep(0.02)
    follower = asyncio.create_task(gathered.invitation("l", "b"))
    await asyncio.sleep(0)
    leader.cancel()
    book.open.set()
    assert await follower
