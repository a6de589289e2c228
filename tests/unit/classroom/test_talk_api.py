"""What was said, over REST: looked through and exported; who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from classroom.io import talk_aiohttp
from classroom.room.journal import Asked, Deleted, Entry, Journaled, MemberBarred, Said
from tests.unit.classroom.place import Place, open_place, problem

S = 1_000_000
START = 1_800_000_000 * S


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as made:
        yield made


def keep(place: Place, *entries: Entry, by: str = "m1") -> None:
    for number, entry in enumerate(entries, 1):
        place.stores.journal.append(place.lecture, Journaled(number, START + number * S, by, entry))


def line(number: int, text: str, branch: str = "镇巴县 / 泾洋") -> Said:
    return Said(f"c{number}", "m1", "张伟", branch, "member", text)


@pytest.mark.parametrize("path", ["talk", "talk.csv", "talk.xlsx"])
async def test_it_is_for_those_who_sign_in(place: Place, path: str) -> None:
    assert await problem(await place.client.get(f"/api/lectures/{place.lecture}/{path}")) == (401, "not-signed-in")
    await place.sign_in("zhenba")
    assert (await place.client.get(f"/api/lectures/{place.lecture}/{path}")).status == 200
    assert await problem(await place.client.get(f"/api/lectures/nowhere/{path}")) == (404, "no-such-lecture")


async def test_a_line_is_found_with_what_became_of_it(place: Place) -> None:
    keep(
        place,
        line(1, "大家好"),
        line(2, "加微信"),
        Asked("q1", "m1", "张伟", "", "member", "微信群在哪？"),
        Deleted("c2"),
    )
    await place.sign_in("operator")
    response = await place.client.get(f"/api/lectures/{place.lecture}/talk", params={"find": "微 信"})
    assert await response.json() == {
        "lines": [
            {
                "number": 2,
                "id": "c2",
                "at": "2027-01-15T08:00:02Z",
                "member": "m1",
                "name": "张伟",
                "branch": "镇巴县 / 泾洋",
                "role": "member",
                "text": "加微信",
                "reply": None,
                "state": "deleted",
            },
            {
                "number": 3,
                "id": "q1",
                "at": "2027-01-15T08:00:03Z",
                "member": "m1",
                "name": "张伟",
                "branch": "",
                "role": "member",
                "text": "微信群在哪？",
                "reply": None,
                "state": "asked",
            },
        ],
        "next": None,
    }


@pytest.mark.parametrize(("found", "scanned"), [(3, 20_000), (100, 4), (3, 4)])
async def test_all_lines_are_reached_page_by_page(
    place: Place, monkeypatch: pytest.MonkeyPatch, found: int, scanned: int
) -> None:
    monkeypatch.setattr(talk_aiohttp, "FOUND", found)
    monkeypatch.setattr(talk_aiohttp, "SCANNED", scanned)
    keep(place, *(line(number, "单" if number % 2 else "双") for number in range(1, 21)))
    await place.sign_in("operator")
    texts: list[str] = []
    after: int | None = 0
    for _ in range(21):
        query = {"find": "双", "after": str(after)}
        body = await (await place.client.get(f"/api/lectures/{place.lecture}/talk", params=query)).json()
        texts += [each["id"] for each in body["lines"]]
        after = body["next"]
        if after is None:
            break
    assert texts == [f"c{number}" for number in range(2, 21, 2)]
    assert after is None


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=" + "9" * 40, "after=٣", "find=" + "x" * 101])
async def test_what_is_no_question_is_refused(place: Place, query: str) -> None:
    await place.sign_in("operator")
    response = await place.client.get(f"/api/lectures/{place.lecture}/talk?{query}")
    assert await problem(response) == (400, "malformed")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_the_record_is_a_file_with_names(place: Place, form: str) -> None:
    invited = await place.stores.roster.invitations(place.lecture)
    wei = next(one.member for one in invited if one.member.name == "张伟")
    found = await place.stores.staff.find("operator")
    assert found is not None
    keep(place, line(1, "=危险"), MemberBarred(wei.id, "张伟", "镇巴县 / 泾洋", True), by=found[0].id)
    await place.sign_in("operator")
    response = await place.client.get(f"/api/lectures/{place.lecture}/talk.{form}")
    assert response.status == 200
    assert unquote(response.headers["Content-Disposition"]).endswith(f"晚间课堂 发言记录.{form}")
    body = await response.read()
    if form == "csv":
        text = body.decode("utf-8-sig")
        assert "'=危险" in text
        assert "2027-01-15 16:00:02+08:00,operator,请出课堂,张伟" in text
    else:
        assert body.startswith(b"PK")


async def test_an_organizer_of_a_branch_exports_what_was_done_to_its_people(place: Place) -> None:
    keep(
        place,
        MemberBarred("m2", "王芳", "西乡县 / 城关", True),
        MemberBarred("m1", "张伟", "镇巴县 / 泾洋", True),
        by="someone",
    )
    await place.sign_in("zhenba")
    text = (await (await place.client.get(f"/api/lectures/{place.lecture}/talk.csv")).read()).decode()
    assert "张伟" in text
    assert "王芳" not in text
