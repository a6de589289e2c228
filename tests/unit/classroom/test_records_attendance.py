"""What records read where no service runs: the same of a ledger as everybody else."""

from __future__ import annotations

from pathlib import Path

from attendance.facts import Beat, Bits, Body, Evidence, Fact, LectureMoved, LectureState, NodeStarted, ReceivingBegan
from attendance.report import LedgerReader
from classroom.io.clock_time import SystemClock
from classroom.io.records_attendance import LedgerFacts
from classroom.io.stores_sqlalchemy import open_stores
from classroom.office import LectureRow
from classroom.settings import Settings

S = 1_000_000
HOUR = 3_600 * S


async def test_a_clock_that_was_set_back_between_two_boots_moves_nothing(tmp_path: Path) -> None:
    first: list[Body] = [
        NodeStarted(),
        LectureMoved(LectureState.LIVE, "button"),
        ReceivingBegan("m", "w", Evidence.REPORTED, HOUR + 3 * S),
        Beat({"w": int(Bits.REPORTED)}),
    ]
    facts = [Fact("l", "a", "1", number, HOUR + number * S, body) for number, body in enumerate(first, 1)]
    async with open_stores(Settings(data_dir=tmp_path), SystemClock()) as stores:
        await stores.lectures.add(LectureRow("l", "党课", None, None, LectureState.LIVE, 1))
        await stores.ledger.append([*facts, Fact("l", "a", "2", 1, 10 * S, NodeStarted())])
        presence = await LedgerFacts(stores.ledger, stores.recorder, stores.lectures).presence("l")
        reading = await LedgerReader(stores.ledger, None, "l").read()
    assert presence.account("m") == reading.presence.account("m")
    (session,) = presence.account("m").sessions
    assert (session.end, session.closed_by) == (HOUR + 4 * S, "service-crash")
