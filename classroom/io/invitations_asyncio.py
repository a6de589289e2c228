"""Many who ask for their invitation at the same time are answered by one query.

Theory of operation. Whoever asks first after a while is looked up at once. Who asks within the next moment waits, and
whoever of them comes to be next asks for all of them together: a query costs nearly the same for one and for a hundred,
and a thousand members who open their links within ten seconds need forty a second and not a thousand. Nobody is given
what was read before they asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from attendance.roster import Invitation

GATHER = 0.025
"""Seconds from the end of a query to the next at least."""
AT_ONCE = 500
"""Invitations in one query."""


class Book(Protocol):
    async def of_members(self, lecture: str, members: Collection[str]) -> Sequence[Invitation]:
        """The invitations of those who are invited."""


class GatheredInvitations:
    """Implements `classroom.people.invitations.Invitations`. As many wait here as requests are under way."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._waiting: dict[asyncio.Future[Invitation | None], tuple[str, str]] = {}
        self._turn = asyncio.Lock()
        self._asked = 0.0  # the loop's time at the end of the last query

    async def invitation(self, lecture: str, member: str) -> Invitation | None:
        """None: not invited. Raises what the book raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Invitation | None] = loop.create_future()
        self._waiting[answer] = (lecture, member)
        try:
            async with self._turn:
                while not answer.done():
                    await asyncio.sleep(self._asked + GATHER - loop.time())
                    await self._ask(lecture)
            return answer.result()
        finally:
            self._waiting.pop(answer, None)

    async def _ask(self, lecture: str) -> None:
        """For those of one lecture who wait the longest; where it fails, for all of them."""
        asking = [one for one in self._waiting.items() if one[1][0] == lecture][:AT_ONCE]
        try:
            found = await self._book.of_members(lecture, {member for _, (_, member) in asking})
        except Exception as error:
            for answer, _ in asking:
                if answer in self._waiting:
                    answer.set_exception(error)
            return
        finally:
            self._asked = asyncio.get_running_loop().time()
        invitations = {one.member.id: one for one in found}
        for answer, (_, member) in asking:
            answer.set_result(invitations.get(member))
