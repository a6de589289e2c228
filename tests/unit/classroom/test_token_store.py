"""Tokens in both databases, and what becomes of them with their owners."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import open_engine
from attendance.roster import BranchPath
from classroom.io.store_sqlalchemy import StaffStore, staff, staff_sessions
from classroom.io.tokens_sqlalchemy import TokenBranches, Tokens, api_tokens
from classroom.people.staff import StaffMember
from classroom.people.token import USED_WITHIN, ApiToken

OWNER = StaffMember("s1", "组织员", ("镇巴县",))


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        for table in (staff, staff_sessions, api_tokens):
            await connection.run_sync(table.create)
    await StaffStore(engine).add(OWNER, "hash", 1)
    yield engine
    await engine.dispose()


def token(name: str, branch: BranchPath, created: int = 10) -> ApiToken:
    return ApiToken(name, name, OWNER.id, OWNER.name, branch, created, created + 10 * USED_WITHIN)


async def test_a_token_is_found_by_its_secret_until_it_expires(engine: AsyncEngine) -> None:
    tokens = Tokens(engine)
    first, second = token("first", ("镇巴县",)), token("second", ("镇巴县", "泾洋"), 20)
    await tokens.add(first, "one")
    await tokens.add(second, "two")
    assert await tokens.find("three", 30) is None
    assert await tokens.find("one", first.expires) is None
    assert await tokens.find("one", 30) == first
    assert [(one.id, one.used) for one in await tokens.all()] == [("second", None), ("first", 30)]
    await tokens.find("one", 31)
    await tokens.find("two", 30 + USED_WITHIN)
    assert [one.used for one in await tokens.all()] == [30 + USED_WITHIN, 30]
    assert await tokens.remove("first")
    assert not await tokens.remove("first")
    assert await tokens.find("one", 40) is None


async def test_a_token_opens_only_what_its_owner_sees(engine: AsyncEngine) -> None:
    tokens, people = Tokens(engine), StaffStore(engine)
    await tokens.add(token("below", ("镇巴县", "泾洋")), "below")
    await tokens.add(token("beside", ("镇巴县城",)), "beside")
    assert await tokens.find("below", 20) is not None
    assert await tokens.find("beside", 20) is None
    await people.change(StaffMember("s1", "组织员", ("西乡县",)), None, sign_out=False)
    assert await tokens.find("below", 20) is None
    await people.change(StaffMember("s1", "组织员", ()), None, sign_out=False)
    assert await tokens.find("beside", 20) is not None
    await people.remove("s1")
    assert await tokens.all() == []


async def test_a_branch_that_is_renamed_takes_owner_and_tokens_along_and_back(engine: AsyncEngine) -> None:
    tokens, people, branches = Tokens(engine), StaffStore(engine), TokenBranches()
    await tokens.add(token("below", ("镇巴县", "泾洋")), "below")
    await people.open_session("cookie", "s1", 1, 100)
    async with engine.begin() as connection:
        before = await branches.renamed(connection, "镇巴县", "镇巴区")
    assert [one.branch for one in await tokens.all()] == [("镇巴区", "泾洋")]
    assert [member.branch for member, _ in await people.all()] == [("镇巴区",)]
    assert await people.session("cookie", 2) is None
    async with engine.begin() as connection:
        await branches.restored(connection, before)
    assert [one.branch for one in await tokens.all()] == [("镇巴县", "泾洋")]
    assert [member.branch for member, _ in await people.all()] == [("镇巴县",)]
