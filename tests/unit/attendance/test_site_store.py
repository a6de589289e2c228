"""What sites are called, in both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.roster_tables_sqlalchemy import branches, members
from attendance.io.sites_sqlalchemy import Sites
from attendance.io.tables_sqlalchemy import metadata
from attendance.site import Site

COUNTY, BRANCH = ("镇巴县",), ("镇巴县", "泾洋")
HALL = Site("s1", "l1", BRANCH, "党员活动室", "m1", "王秀兰", 10)


@pytest.fixture
async def kept(database_url: str) -> AsyncIterator[Sites]:
    engine = open_engine(database_url)
    paths = ["", "镇巴县", "镇巴县 / 泾洋", "西乡县"]
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        rows = [{"id": number, "name": path, "path": path} for number, path in enumerate(paths, 1)]
        await connection.execute(branches.insert(), rows)
        await connection.execute(members.insert(), [{"id": "m1", "name": "王秀兰", "branch": 3, "added": 0}])
    yield Sites(engine)
    await engine.dispose()


async def test_a_site_is_kept_where_the_roster_has_its_branch(kept: Sites) -> None:
    assert await kept.add(msgspec.structs.replace(HALL, branch=("没有的县",)), 5) == "no-such-branch"
    assert await kept.add(HALL, 5) is None
    assert (await kept.get("s1"), await kept.get("s2")) == (HALL, None)
    assert (await kept.hosted("l1", "m1"), await kept.hosted("l2", "m1")) == (HALL, None)
    await kept.remove("s1")
    assert await kept.of("l1") == []


async def test_one_site_a_host_and_so_many_a_lecture_also_in_one_instant(kept: Sites) -> None:
    twice = [msgspec.structs.replace(HALL, id=f"s{number}") for number in range(4)]
    refused = await asyncio.gather(*(kept.add(site, 5) for site in twice))
    assert sorted(refused, key=str) == [None, *["hosts-already"] * 3]
    others = [msgspec.structs.replace(HALL, id=f"o{number}", host=f"h{number}") for number in range(4)]
    refused = await asyncio.gather(*(kept.add(site, 3) for site in others))
    assert sorted(refused, key=str) == [None, None, "sites-enough", "sites-enough"]
    assert await kept.add(msgspec.structs.replace(HALL, id="x", lecture="l2"), 3) is None


async def test_sites_are_listed_by_branch_and_place_within_a_scope(kept: Sites) -> None:
    other = Site("s2", "l1", ("西乡县",), "会议室", "m2", "", 20)
    county = Site("s3", "l1", COUNTY, "礼堂", "m3", "", 5)
    for site in (HALL, other, county):
        await kept.add(site, 5)
    assert {one.id for one in await kept.of("l1")} == {"s1", "s2", "s3"}
    assert await kept.of("l1", COUNTY) == [county, HALL]
    assert await kept.of("l1", BRANCH) == [HALL]


async def test_the_place_of_an_erased_host_is_forgotten(kept: Sites) -> None:
    await kept.add(HALL, 5)
    await kept.erase("m1")
    assert await kept.get("s1") == msgspec.structs.replace(HALL, place="")
