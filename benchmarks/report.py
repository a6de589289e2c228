"""What attendance costs: the report of a whole lecture, its exports, its live list and its beats.

    python -m benchmarks.report [--members 1120] [--minutes 90] [--database URL]

The lecture is written as a service writes it: each member's page and player with two losses of the network on the
average, proofs, three sign-ins, and a beat of all connections every 15 s. *Cold* reads, checks and reckons all of it
from the database, *warm* reckons it from facts that are in memory already, as in the room that wrote them. The figures
are CPU and wall time of this one process, the least of `--repeats`; how long the service's loop waits at most while an
export is made is told too.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
    ReceivingBegan,
    ReceivingStopped,
    Rule,
    RuleFrozen,
    SignInAnswered,
    SignInAsked,
    SlotFlowing,
)
from attendance.io import export_csv, export_html, export_json, export_xlsxwriter, overview_json
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.heads_file import FileNotary, HeadsFile
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import facts as facts_table
from attendance.io.tables_sqlalchemy import heads as heads_table
from attendance.io.tables_sqlalchemy import metadata
from attendance.presence import Presence
from attendance.report import LedgerReader, Report, compose
from attendance.roll import Roll
from attendance.roster import Invitation, Member, Role
from benchmarks.viewers.report import console, grid, keep
from classroom.evidence import Witness
from classroom.io.aside_executor import ExecutorAside
from classroom.io.clock_time import SystemClock
from classroom.io.floor_asyncio import Guest, LocalFloor
from classroom.io.home_asyncio import JUDGED_AT_ONCE, LiveRoom
from classroom.io.reports_attendance import LedgerReports
from classroom.io.stores_sqlalchemy import JOBS, THREADS
from classroom.live import Board
from classroom.office import LectureRow
from classroom.ports import ExportFormat, RollCall, Standing
from classroom.room.inputs import Joined, Person
from classroom.room.journal import Journaled
from classroom.room.lecture import Life
from classroom.room.messages import Close, Page
from classroom.room.room import About, Room
from classroom.tally import Tally
from signaling.control import ViewerReceiving

S = 1_000_000
START = 1_800_000_000 * S
LECTURE = "lecture"
BATCH = 500
BEAT_MS = 15_000
TICK = 0.001
Found = TypeVar("Found")


def steps(
    members: int, minutes: int, chance: random.Random, names: Sequence[str] | None = None
) -> list[tuple[int, Body]]:
    """(µs, what happened), in order; `names`: the members' ids."""
    end = START + minutes * 60 * S
    found: list[tuple[int, Body]] = [
        (START - 60 * S, NodeStarted()),
        (START, LectureMoved(LectureState.LIVE, "first-picture")),
        (START, RuleFrozen(Rule(), 1)),
        (START, SlotFlowing("lecturer", "dean")),
        (end, LectureMoved(LectureState.ENDED, "button")),
    ]
    spans: list[tuple[int, int, str, int]] = []
    ids = itertools.count(1)
    for number in range(members):
        member = f"m{number:05}" if names is None else names[number]
        now = START + chance.randrange(-30, 120) * S
        while now < end - 60 * S:
            stay = min(end, now + round(chance.expovariate(1 / (minutes * 20 * S)) + 30) * S)
            channel, player = f"c{next(ids):016}", f"w{next(ids):016}"
            began = now + chance.randrange(S // 2, 2 * S)
            echoed = began + chance.randrange(S, 14 * S)
            found += [
                (now, MemberConnected(member, channel, "room", f"device{number:08}")),
                (began, ReceivingBegan(member, player, Evidence.REPORTED, began)),
                (echoed, ReceivingBegan(member, player, Evidence.PROVED, began)),
                (stay + 5 * S, ReceivingStopped(member, player, stay, "stalled")),
                (stay + 12 * S, MemberDisconnected(member, channel, stay, "silent")),
            ]
            spans += [(now, stay, channel, int(Bits.CONNECTED | Bits.VISIBLE)), (began, stay, player, 6)]
            now = stay + chance.choice([3, 8, 20, 45, 300]) * S
        for sign_in in range(3):
            asked = START + (180 + sign_in * (minutes * 60 - 360) // 3 + chance.randrange(600)) * S
            found.append((asked, SignInAsked(member, f"r{sign_in + 1}", asked + 90 * S)))
            if chance.random() < 0.9:
                found.append((asked + 20 * S, SignInAnswered(member, f"r{sign_in + 1}")))
    for now in range(START, end, 15 * S):
        beat = {name: bits for since, until, name, bits in spans if since <= now < until}
        found.append((now, Beat(beat)))
    return sorted(found, key=lambda step: step[0])


async def store(ledger: SqlStore, facts: Sequence[Fact]) -> None:
    for first in range(0, len(facts), BATCH):
        await ledger.append(facts[first : first + BATCH])


class Least:
    """The least wall and CPU time of some runs, in ms."""

    def __init__(self, repeats: int) -> None:
        self.repeats = repeats
        self.found: dict[str, dict[str, float]] = {}

    def of(self, name: str, work: Callable[[], Found]) -> Found:
        for _ in range(self.repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            result = work()
            self._take(name, time.perf_counter() - wall, time.process_time() - cpu)
        return result

    async def of_async(self, name: str, work: Callable[[], Any]) -> Any:
        for _ in range(self.repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            result = await work()
            self._take(name, time.perf_counter() - wall, time.process_time() - cpu)
        return result

    def _take(self, name: str, wall: float, cpu: float) -> None:
        best = self.found.setdefault(name, {"wall_ms": wall * 1e3, "cpu_ms": cpu * 1e3})
        best["wall_ms"] = round(min(best["wall_ms"], wall * 1e3), 1)
        best["cpu_ms"] = round(min(best["cpu_ms"], cpu * 1e3), 1)


async def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    bodies = steps(given.members, given.minutes, random.Random(given.seed))
    facts = [Fact(LECTURE, "a", "1", counter, at, body) for counter, (at, body) in enumerate(bodies, 1)]
    roster = [
        Invitation(LECTURE, Member(f"m{n:05}", f"学员{n:04}", ("镇巴县", f"支部{n % 37:02}"), None), Role.MEMBER, 1)
        for n in range(given.members)
    ]
    clock, engine = SystemClock(), open_engine(given.database or f"sqlite+aiosqlite:///{folder / 'facts.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts_table, heads_table])
    ledger = SqlStore(engine, clock)
    await store(ledger, facts)
    notary = FileNotary(ledger, HeadsFile(folder / "heads"), Ed25519PrivateKey.generate(), clock)
    least = Least(given.repeats)
    reading = await least.of_async("read and check the ledger", lambda: LedgerReader(ledger, notary, LECTURE).read())
    assert reading.broken is None
    report: Report = least.of("reckon all members", lambda: compose(reading, "党课", roster))
    for name, export in (("xlsx", export_xlsxwriter), ("csv", export_csv), ("json", export_json)):
        least.of(f"write the {name}", lambda export=export: export.write(report))  # type: ignore[misc]
    waits = await _waits(ledger, notary, roster)
    least.of("write the summary to print", lambda: export_html.write(report))
    least.of("write the report for the console", lambda: overview_json.overview(report, "zh"))
    least.of("write one member's evening", lambda: overview_json.evening(report, "m00000", "zh"))
    least.of("write the curve", lambda: overview_json.curves(report))
    listed = _live(facts, roster, given.minutes, least)
    beats = [fact for fact in facts if isinstance(fact.body, Beat)]
    least.of("the evening's beats, taken in", lambda: _apply(beats))
    make = composer(given.members)
    beat = least.of("a beat, made", make)
    assert len(beat.connections) == 2 * given.members
    counters = itertools.count(len(facts) + 1)
    await least.of_async("a beat, stored", lambda: ledger.append([Fact(LECTURE, "a", "1", next(counters), 0, beat)]))
    await engine.dispose()
    figures = least.found
    made, stored = figures["a beat, made"]["cpu_ms"], figures["a beat, stored"]["cpu_ms"]
    taken = figures["the evening's beats, taken in"]["cpu_ms"] / len(beats)
    parts = [figures["read and check the ledger"], figures["reckon all members"]]
    return {
        "members": given.members,
        "minutes": given.minutes,
        "facts": len(facts),
        "live_list_bytes": listed[0],
        "live_change_bytes": listed[1],
        "cold": {name: round(sum(part[name] for part in parts), 1) for name in ("wall_ms", "cpu_ms")},
        "warm": parts[1],
        "beats_share_of_a_core": (made + stored + taken) / BEAT_MS,
        "loop_waits_ms": waits,
        "steps": figures,
    }


class Mute:
    """A socket that has just given a sign."""

    evidence = START

    def __init__(self, connection: str) -> None:
        self.connection = connection

    def send(self, frame: bytes) -> None: ...

    def complain(self, reason: str, key: str | None = None) -> None: ...

    def dismiss(self, code: Close, reason: str) -> None: ...


class NoJournal:
    def append(self, lecture: str, journaled: Journaled) -> None: ...


def composer(members: int) -> Callable[[], Beat]:
    """What makes the beat of a room in which so many are, each with a page and a player, as the service makes it."""
    witness = Witness(lambda moment: START + round(moment * S), bytes(32))
    about = About(LECTURE, "党课", None, None, "/whip", "/whep")
    room = Room(about, Life(None, LectureState.LIVE, START), Tally(LECTURE, Presence(), witness), START)
    live = LiveRoom(room, Presence(), LocalFloor(LECTURE, NoJournal()))
    for number in range(members):
        joined = Joined(f"c{number:016}", Person(f"m{number:05}", "学员", "镇巴县", "member"), Page.ROOM, "d")
        live.floor.guests[joined.connection] = Guest(Mute(joined.connection), joined, START)
        room.receive(joined, START)
        witness.watch(f"w{number:016}", LECTURE, f"m{number:05}")
        witness.receive(ViewerReceiving(f"w{number:016}", 0.0))
    return lambda: Beat({**live.bits(START), **witness.bits(LECTURE, START)})


def _live(facts: Sequence[Fact], roster: Sequence[Invitation], minutes: int, least: Least) -> tuple[int, int]:
    """A console's list in the middle of the lecture: the first one, whole, and then what changed, second by second.
    Answers the bytes of the first and of the last one."""
    middle = START + minutes * 30 * S
    presence = _apply([fact for fact in facts if fact.happened <= middle])
    coming = iter([fact for fact in facts if fact.happened > middle])
    roll, board, token = Roll(presence), Board("benchmark", roster), ""
    least.of("first look at all verdicts", lambda: Roll(presence).judge(middle))
    roll.judge(middle)
    moments = itertools.count(middle, S)

    def ask() -> bytes:
        nonlocal token
        now = next(moments)
        for fact in coming:
            presence.apply(fact)
            if fact.happened > now:
                break
        roll.judge(now, JUDGED_AT_ONCE)
        members = {
            name: Standing(
                one.standing.connected,
                one.standing.receiving,
                one.standing.first_join,
                one.credited,
                None,
                one.standing.proved,
                qualified=one.qualified,
            )
            for name, one in roll.entries(now).items()
        }
        board.update(RollCall(roll.started, roll.counted(now), members), began=True)
        told = board.since(token)
        token = told.token
        return msgspec.json.encode(told)

    whole = len(ask())
    token = ""
    least.of("live list, whole", lambda: msgspec.json.encode(board.since("")))
    changes = [least.of("live list, what changed", ask) for _ in range(60)]
    return whole, sum(map(len, changes)) // len(changes)


async def _waits(ledger: SqlStore, notary: FileNotary, roster: Sequence[Invitation]) -> dict[str, float]:
    """How long the loop waits at most while an export is made beside it, in ms of this process's CPU: what other
    processes take from it meanwhile says nothing of us. The first one reads the ledger."""
    lecture = LectureRow(LECTURE, "党课", None, None, LectureState.ENDED, 0)
    found: dict[str, float] = {}
    with ThreadPoolExecutor(THREADS) as executor:
        reports = LedgerReports(ledger, notary, ExecutorAside(executor, JOBS), Untold(), Untold())
        forms: tuple[ExportFormat, ...] = ("json", "xlsx", "csv", "json")
        for name, form in zip(("cold", *forms[1:]), forms, strict=True):
            longest = [0.0]
            watching = asyncio.create_task(_watch(longest))
            await reports.export(lecture, roster, form, (), "zh")
            watching.cancel()
            found[name] = round(longest[0] * 1e3, 1)
    return found


class Untold:
    """Nobody has a name, and nothing was said."""

    async def of(self, lecture: str, people: Collection[str]) -> dict[str, str]:
        return {}

    async def reasons(self, lecture: str) -> dict[str, str]:
        return {}


async def _watch(longest: list[float]) -> None:
    last = time.process_time()
    while True:
        await asyncio.sleep(TICK)
        now = time.process_time()
        longest[0] = max(longest[0], now - last)
        last = now


def _apply(facts: Sequence[Fact]) -> Presence:
    presence = Presence()
    for fact in facts:
        presence.apply(fact)
    return presence


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1120)
    parser.add_argument("--minutes", type=int, default=90)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--database", help="SQLAlchemy's address of an empty database; a SQLite file where none is given"
    )
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(given, Path(folder)))

    def times(one: dict[str, float]) -> str:
        return f"{one['wall_ms']:.0f} ms, {one['cpu_ms']:.0f} ms of CPU"

    rows = [("facts", f"{found['facts']:,}"), *((name, times(one)) for name, one in found["steps"].items())]
    rows += [
        ("report, cold (1 s wanted)", times(found["cold"])),
        ("report, warm (100 ms wanted)", times(found["warm"])),
        *(
            (f"the loop waits at most, export {name} (50 ms wanted)", f"{wait} ms of CPU")
            for name, wait in found["loop_waits_ms"].items()
        ),
        ("live list, a change (20 ms of CPU wanted)", times(found["steps"]["live list, what changed"])),
        ("beats (1 % of a core wanted)", f"{found['beats_share_of_a_core']:.3%}"),
    ]
    grid(f"A lecture of {given.members} members and {given.minutes} minutes", rows)
    on_postgres = given.database is not None and given.database.startswith("postgres")
    console.print(keep("report-postgres" if on_postgres else "report", "what attendance costs", found))


if __name__ == "__main__":
    main()
