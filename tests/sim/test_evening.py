"""A simulated evening of 1,120 members with drops, second devices, a relay outage and a crash of the service.

The simulation knows the truth: when media really reached whom. What the ledger makes of the facts must never be more
than that, and less only by what evidence cannot tell.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from attendance.audit import audit
from attendance.extent import Outage
from attendance.facts import (
    Beat,
    Bits,
    Body,
    Evidence,
    Fact,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
    SlotSilent,
)
from attendance.interval import Span, clip, subtract, total, union
from attendance.io import export_csv, export_json, export_xlsxwriter
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.heads_file import FileNotary, HeadsFile
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import facts as facts_table
from attendance.io.tables_sqlalchemy import heads as heads_table
from attendance.io.tables_sqlalchemy import metadata
from attendance.presence import Presence
from attendance.report import report_for
from attendance.roster import Invitation, Member, Role

S = 1_000_000
LIVE, ENDED = 600 * S, 7_200 * S
RELAY_DOWN, RELAY_UP = 2_000 * S, 2_009 * S
CRASH, RESTART = 4_007 * S, 4_012 * S
PAUSE = Span(5_000 * S, 5_300 * S)
MEMBERS = 1_120
NOTICED = 3 * S
"""µs after which the relay notices that a viewer is gone."""

Step = tuple[int, Body]


class Truth:
    """When media really reached each member, and the facts that one process writes about it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.received: defaultdict[str, list[Span]] = defaultdict(list)
        self.steps: list[Step] = []
        self.open: list[tuple[int, int, str, int]] = []
        self._ids = itertools.count(1)

    def receives(self, member: str, span: Span) -> None:
        """One device plays over a time; what breaks it off there is its own drop, our outage or the end."""
        self.connects(member, span)
        shown = subtract([span], [Span(RELAY_DOWN, RELAY_UP), Span(CRASH, RESTART), PAUSE])
        for start, end in shown:
            start += self.random.randrange(300_000, 2 * S)  # connecting takes its time
            if start >= end:
                continue
            connection = f"w{next(self._ids)}"
            self.received[member].append(Span(start, end))
            first = start + self.random.randrange(0, S)
            last = end - self.random.randrange(0, S)  # reports come about every second
            if first >= last:
                continue
            self.open.append((first, end, connection, Bits.REPORTED))
            self.steps.append((first, ReceivingBegan(member, connection, Evidence.REPORTED, first)))
            if end not in (RELAY_DOWN, CRASH):
                self.steps.append((end + NOTICED, ReceivingStopped(member, connection, last, "silence")))

    def connects(self, member: str, span: Span) -> None:
        for start, end in subtract([span], [Span(CRASH, RESTART)]):
            connection = f"c{next(self._ids)}"
            self.open.append((start, end, connection, Bits.CONNECTED | Bits.VISIBLE))
            self.steps.append((start, MemberConnected(member, connection)))
            if end != CRASH:
                self.steps.append((end, MemberDisconnected(member, connection, end, "closed")))

    def beats(self) -> None:
        for at in itertools.chain(range(0, CRASH, 15 * S), range(RESTART + 15 * S, ENDED + 60 * S, 15 * S)):
            self.steps.append(
                (at, Beat({name: int(bits) for start, end, name, bits in self.open if start <= at < end}))
            )


def evening(seed: int) -> Truth:
    truth = Truth(seed)
    chance = truth.random
    for number in range(MEMBERS):
        member = f"m{number:04}"
        kind = chance.random()
        if kind < 0.08:
            continue  # never came
        here = chance.randrange(0, LIVE) if kind < 0.7 else chance.randrange(LIVE, ENDED)
        until = ENDED + 30 * S if kind < 0.6 else chance.randrange(here, ENDED)
        while here < until:
            stay = min(until, here + chance.randrange(60 * S, 7_000 * S))
            truth.receives(member, Span(here, stay))
            if chance.random() < 0.1:
                truth.receives(member, Span(here, stay))  # a second device
            here = stay + chance.choice([2 * S, 20 * S, 29 * S, 45 * S, 600 * S])
    truth.steps += [
        (LIVE, LectureMoved(LectureState.LIVE, "first-picture")),
        (ENDED, LectureMoved(LectureState.ENDED, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (RELAY_DOWN + S, OutageBegan("relay", RELAY_DOWN)),
        (RELAY_UP, OutageEnded("relay")),
        (RELAY_UP, SlotFlowing("lecturer", "dean")),
        (RESTART, SlotFlowing("lecturer", "dean")),
        (PAUSE.start + S, SlotSilent("lecturer", PAUSE.start)),
        (PAUSE.end, SlotFlowing("lecturer", "dean")),
    ]
    truth.beats()
    return truth


def facts(truth: Truth) -> Iterator[Fact]:
    """Two boots: what the first had not written when it crashed is lost."""
    steps = sorted(truth.steps, key=lambda step: step[0])
    for boot, start, end in (("1", -1, CRASH), ("2", RESTART, 2 * ENDED)):
        counter = itertools.count(1)
        yield Fact("party", "a", boot, next(counter), max(0, start), NodeStarted())
        for at, body in steps:
            if start <= at < end:
                yield Fact("party", "a", boot, next(counter), at, body)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_ledger_never_says_more_than_the_truth_and_little_less(seed: int) -> None:
    truth = evening(seed)
    presence = Presence()
    for fact in facts(truth):
        presence.apply(fact)
    counted = presence.counted()
    last_beat = CRASH // (15 * S) * 15 * S
    assert counted.outages == [Outage(RELAY_DOWN, RELAY_UP, "relay"), Outage(last_beat, RESTART, "service")]
    assert counted.silent == [PAUSE]
    for number in range(MEMBERS):
        member = f"m{number:04}"
        account = presence.account(member)
        assert account.denominator == total(counted.spans)
        if account.receiving is None:
            continue
        really = clip(union(truth.received.get(member, [])), counted.spans)
        found = clip(union((one.start, one.end) for one in account.sessions if one.kind == "receiving"), counted.spans)
        assert subtract(found, really) == [], member
        sessions = len(truth.received.get(member, []))
        assert total(really) - total(found) <= 2 * S * sessions, member
        assert account.credited is not None
        assert total(found) == account.receiving <= account.credited <= account.denominator
        if member not in truth.received:
            assert account.credited == 0


def test_what_pages_show_live_ends_as_what_the_report_says() -> None:
    truth = evening(4)
    presence = Presence()
    for fact in facts(truth):
        presence.apply(fact)
    for number in range(0, MEMBERS, 7):
        account = presence.account(f"m{number:04}")
        if account.credited is not None:
            assert presence.standing(account.member, ENDED + 120 * S).credited == account.credited


class Wall:
    def now(self) -> int:
        return time.time_ns() // 1_000

    def at(self, monotonic: float) -> int:
        return self.now()


async def test_an_evening_goes_through_store_and_report(database_url: str, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts_table, heads_table])
    store = SqlStore(engine, Wall())
    everything = list(facts(evening(5)))
    for first in range(0, len(everything), 500):
        await store.append(everything[first : first + 500])
    key = Ed25519PrivateKey.generate()
    notary = FileNotary(store, HeadsFile(tmp_path / "heads"), key, Wall())
    roster = [
        Invitation("party", Member(f"m{n:04}", f"学员{n}", ("镇巴县", f"支部{n % 37}"), None), Role.MEMBER, 1)
        for n in range(MEMBERS)
    ]
    first_report = await report_for(store, notary, "party", "党课", roster)
    again = await report_for(store, notary, "party", "党课", reversed(roster))
    assert first_report.broken is None
    assert len(first_report.lines) == MEMBERS
    assert await audit(store, notary, "party") == len(everything)
    for export in (export_json, export_csv, export_xlsxwriter):
        assert export.write(first_report, "zh") == export.write(again, "zh")
    await engine.dispose()
