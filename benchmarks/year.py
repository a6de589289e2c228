"""What a year costs: everybody's credit hours over a hundred lectures, and the workbook.

    python -m benchmarks.year [--members 1120] [--lectures 100] [--cold 5] [--database URL]

The stores are those of a service. The facts of `--cold` lectures of 90 minutes are written as a service writes them and
reckoned once, *cold*: read, checked, judged and kept, which happens once for each lecture, when it is over. The other
lectures have outcomes of the same size. *Warm* is the whole answer from what is kept: stamps compared, outcomes read,
hours reckoned and summed, JSON written. *One is new* is the same where one lecture's ledger has grown meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr
from sqlalchemy import delete, insert

from attendance.facts import Fact, LectureState
from attendance.io.tables_sqlalchemy import heads
from attendance.io.year_sqlalchemy import YearStore, decode, outcomes
from attendance.year import year_of
from benchmarks.report import START, Least, steps
from benchmarks.report import store as store_facts
from benchmarks.viewers.report import console, grid, keep
from classroom.io.clock_time import SystemClock
from classroom.io.stores_sqlalchemy import Stores, new_id, open_stores
from classroom.io.year_aiohttp import shown
from classroom.office import LectureRow, RecorderDesk
from classroom.settings import Settings

YEAR = year_of(START)


def roster(members: int) -> bytes:
    rows = [
        f"学员{n:05},县区{n % 10}/支部{n % 40:02},139{n:08},{'支部委员' if n % 20 == 0 else ''}" for n in range(members)
    ]
    return "\n".join(["姓名,支部,手机,职务", *rows]).encode()


async def evening(stores: Stores, lecture: str, number: int, minutes: int) -> None:
    """The facts of one lecture, by the roster's own members."""
    invited = [one.member.id for one in await stores.roster.invitations(lecture) if one.role == "member"]
    told = steps(len(invited), minutes, random.Random(number), invited)
    facts = [Fact(lecture, f"n{number}", "1", counter, at, body) for counter, (at, body) in enumerate(told, 1)]
    await store_facts(stores.ledger, facts)


async def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    database = None if given.database is None else SecretStr(given.database)
    least = Least(given.repeats)
    async with open_stores(Settings(data_dir=folder, database_url=database), SystemClock()) as stores:
        office = stores.office(RecorderDesk(stores.recorder, stores.lectures), "http://127.0.0.1")
        await office.import_roster("roster.csv", roster(given.members), None)
        lectures = [new_id() for _ in range(given.lectures)]
        for number, lecture in enumerate(lectures):
            row = LectureRow(lecture, f"第{number + 1}课", START, None, LectureState.PLANNED, START + number)
            await stores.lectures.add(row)
            await stores.roster.invite_all(lecture)
            if number < given.cold:
                await evening(stores, lecture, number, given.minutes)
            await stores.lectures.set_state(lecture, LectureState.ENDED)
        years, store = stores.years, YearStore(stores.engine)
        wall, cpu = time.perf_counter(), time.process_time()
        await years.year(YEAR, patience=3_600.0)
        cold = {"wall_ms": (time.perf_counter() - wall) * 1e3, "cpu_ms": (time.process_time() - cpu) * 1e3}
        cold = {name: round(each / given.cold, 1) for name, each in cold.items()}
        (body,) = await store.kept(lectures[:1])
        pattern = decode(body)
        copies = [msgspec.structs.replace(pattern, lecture=lecture) for lecture in lectures[given.cold :]]
        for one in copies:
            await store.keep(one)
        told = [{"lecture": one.lecture, "row": one.stamp.row, "hash": one.stamp.hash} for one in copies]
        async with stores.engine.begin() as connection:
            await connection.execute(insert(heads), told)

        async def answer() -> bytes:
            found, pending = await years.year(YEAR)
            assert (len(found.lectures), pending) == (given.lectures, 0)
            return msgspec.json.encode(await stores.aside.run(partial(shown, found, pending, "zh")))

        async def forgotten() -> None:
            async with stores.engine.begin() as connection:
                await connection.execute(delete(outcomes).where(outcomes.c.lecture == lectures[0]))

        async def one_new() -> bytes:
            await forgotten()
            return await answer()

        encoded = await least.of_async("warm", answer)
        await least.of_async("one is new", one_new)
        workbook = await least.of_async("the workbook", partial(years.export, YEAR))
    return {
        "members": given.members,
        "lectures": given.lectures,
        "minutes": given.minutes,
        "database": "sqlite" if given.database is None else given.database.partition(":")[0],
        "answer_bytes": len(encoded),
        "workbook_bytes": len(workbook),
        "cold_each": cold,
        "steps": least.found,
    }


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1120)
    parser.add_argument("--lectures", type=int, default=100)
    parser.add_argument("--minutes", type=int, default=90)
    parser.add_argument("--cold", type=int, default=5, help="lectures whose ledgers are written and read")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--database", help="the address of an empty database; a SQLite file where none is given")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(given, Path(folder)))

    def times(one: dict[str, float]) -> str:
        return f"{one['wall_ms']:.0f} ms, {one['cpu_ms']:.0f} ms of CPU"

    rows = [(f"{name} (5 s wanted)" if name == "warm" else name, times(one)) for name, one in found["steps"].items()]
    rows.append(("cold, each lecture, once", times(found["cold_each"])))
    grid(f"A year of {found['lectures']} lectures and {found['members']} members, {found['database']}", rows)
    name = "year" if given.database is None else f"year-{found['database'].partition('+')[0]}"
    console.print(keep(name, "what a year of lectures costs", found))


if __name__ == "__main__":
    main()
