"""Facts that somebody waits for: stored, or said not to be."""

from __future__ import annotations

import asyncio

import pytest

from attendance.errors import AttendanceError, RecorderClosed, StoreUnavailable
from attendance.facts import Body, ExcuseWithdrawn
from classroom.errors import UserError
from classroom.io import errands_asyncio
from classroom.io.errands_asyncio import Errands

BODY = ExcuseWithdrawn("m", None)


class Recorder:
    """Raises, or never comes to an end."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def record(self, lecture: str, body: Body, happened: int | None = None) -> None:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RecorderClosed(), "not-stored"),
        (AttendanceError("?"), "not-stored"),
        (ValueError("too long"), "not-stored"),
        (StoreUnavailable("in the spool"), "stored-later"),
    ],
)
async def test_who_waits_is_told_that_it_is_not_stored(error: Exception, reason: str) -> None:
    with pytest.raises(UserError) as raised:
        await Errands(Recorder(error)).store("lecture", BODY, None)
    assert raised.value.reason == reason


async def test_nobody_waits_without_end_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands_asyncio, "STORED_WITHIN", 0.0)
    with pytest.raises(UserError) as raised:
        await Errands(Recorder(None)).store("lecture", BODY, None)
    assert raised.value.reason == "stored-later"


async def test_where_nobody_waits_nothing_is_raised() -> None:
    errands = Errands(Recorder(ValueError("too long")))
    async with errands.open():
        errands.record("lecture", BODY)
