"""The year in the console: worst first, by branch, each member's lectures, the table of hours, and the workbook."""

from __future__ import annotations

import asyncio
import datetime
import io
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from python_calamine import CalamineWorkbook

from attendance.facts import (
    Body,
    Evidence,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
)
from attendance.year import year_of
from classroom.io.clock_time import SystemClock
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.office import RecorderDesk
from classroom.settings import Settings
from tests.browser.conftest import Hall, Tab
from tests.servers.service import Service

S = 1_000_000
MINUTE = 60 * S
COUNTIES = ("镇巴县", "西乡县", "洋县")
SURNAMES = "张王李赵刘陈杨黄周吴徐孙"
CONSOLE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def roster(people: int) -> bytes:
    rows = ["姓名,县区,支部,手机,职务"]
    for n in range(people):
        county = COUNTIES[n % 3]
        post = "支部书记" if n % 8 == 0 else ""
        name = f"{SURNAMES[n % 12]}{'伟芳娜洋静磊敏强杰霞'[n // 12 % 10]}"
        rows.append(f"{name},{county},{county}流动党支部{n // 3 % 2 + 1},1380000{n:04d},{post}")
    return "\n".join(rows).encode()


async def hold(stores: Stores, lecture: str, start: int, minutes: int, chance: random.Random) -> None:
    """An evening that some saw whole, some in part, some not at all, and one with a player that reports nothing."""
    end = start + minutes * MINUTE
    facts: list[tuple[int, Body]] = [
        (start, NodeStarted()),
        (start, LectureMoved(LectureState.LIVE, "button")),
        (start, SlotFlowing("lecturer", "dean")),
        (end, LectureMoved(LectureState.ENDED, "button")),
    ]
    invited = [one.member.id for one in await stores.roster.invitations(lecture) if one.role == "member"]
    for n, member in enumerate(invited):
        page, player = f"c{lecture}{n}", f"w{lecture}{n}"
        if n == 1:
            facts += [
                (start, MemberConnected(member, page)),
                (end - S, MemberDisconnected(member, page, end, "closed")),
            ]
        elif chance.random() < 0.5 + 0.4 * (n % 3) / 2:
            left = end if chance.random() < 0.9 else start + minutes * MINUTE // 2
            facts += [
                (start, ReceivingBegan(member, player, Evidence.REPORTED, start)),
                (left, ReceivingStopped(member, player, left, "closed")),
            ]
    for at, body in sorted(facts, key=lambda step: step[0]):
        await stores.recorder.record(lecture, body, at)
    await stores.lectures.set_state(lecture, LectureState.ENDED)


async def fill(folder: Path, people: int, lectures: list[tuple[str, int]]) -> int:
    """Answers the year that the lectures were held in."""
    chance, clock = random.Random(7), SystemClock()
    async with open_stores(Settings(data_dir=folder), clock) as stores:
        office = stores.office(RecorderDesk(stores.recorder, stores.lectures), "http://127.0.0.1")
        await office.create_staff("duty", "correct horse")
        await office.create_staff("zhenba", "correct horse", ("镇巴县",))
        await office.import_roster("r.csv", roster(people), None)
        now = clock.now()
        first = datetime.datetime(year_of(now), 1, 1, 12, tzinfo=datetime.UTC)
        opened = round(first.timestamp()) * S
        for n, (title, minutes) in enumerate(lectures):
            made = await office.create_lecture(title, None, None)
            await stores.roster.invite_all(made.id)
            start = opened + (now - opened) * n // (len(lectures) + 1)
            await hold(stores, made.id, start, minutes, chance)
    return year_of(now)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, int]]:
    service = Service(tmp_path_factory.mktemp("year"))
    lectures = [("乡村振兴与数字治理", 120), ("流动不流失：党员教育专题", 180), ("学习条例", 88)]
    with ThreadPoolExecutor(1) as aside:  # the browser's driver has a loop of its own in this thread
        held = aside.submit(asyncio.run, fill(service.data, 24, lectures)).result()
    try:
        service.start()
        yield service, held
    finally:
        service.stop()


@pytest.fixture
def place(browser: Browser, year: tuple[Service, int]) -> Iterator[tuple[Hall, int]]:
    service, held = year
    opened = Hall(browser, service, service.invited(service.rest("GET", "/api/lectures")[0]["id"]))
    yield opened, held
    opened.close()


def console(hall: Hall, name: str, viewport: dict[str, int] = CONSOLE, language: str = "zh") -> Tab:
    """Signed in, on the page of the year."""
    tab = hall.tab(viewport=viewport, source=None)
    tab.page.goto(f"{hall.service.url}/console?lang={language}#/")
    tab.at("console-name").fill(name)
    tab.at("console-password").fill("correct horse")
    tab.at("console-sign-in").click()
    tab.at("console-year").click()
    tab.at("year-members").wait_for()
    expect(tab.at("year-pending")).to_have_count(0, timeout=20_000)
    return tab


def test_an_operator_sees_who_is_short_of_hours_and_why(place: tuple[Hall, int]) -> None:
    hall, held = place
    tab = console(hall, "duty")
    expect(tab.at("year-shown")).to_have_text(str(held))
    expect(tab.at("year-lectures")).to_contain_text("3 场 7.5 学时")
    expect(tab.at("year-member")).to_have_count(24)
    *measured, unknown = tab.page.locator("[data-testid=year-member] .sum").all_inner_texts()
    assert unknown.startswith("未测得")
    progress = [float(got) / float(of.split()[0]) for got, of in (text.split("/") for text in measured)]
    assert progress == sorted(progress)
    officers = tab.at("year-member").filter(has_text="书记、班子成员")
    expect(officers.first).to_contain_text("/ 56 学时")
    tab.at("year-show-unmeasured").click()
    expect(tab.at("year-member")).to_have_count(1)
    tab.at("year-member").click()
    rows = tab.at("year-member-lectures").locator("li")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("未测得")
    assert "缺席" not in rows.first.inner_text()
    tab.page.keyboard.press("Escape")
    tab.at("year-show-all").click()
    tab.at("year-branch").filter(has_text="西乡县").click()
    expect(tab.at("year-member")).to_have_count(8)
    with tab.page.expect_download() as taken:
        tab.at("year-export").click()
    assert taken.value.suggested_filename == f"{held}_西乡县_年度学时.xlsx"
    book = CalamineWorkbook.from_filelike(io.BytesIO(Path(taken.value.path()).read_bytes()))
    assert len(book.get_sheet_by_name("年度学时").to_python()) == 9


def test_an_operator_changes_the_table_and_one_lecture_s_hours(place: tuple[Hall, int]) -> None:
    hall, _ = place
    tab = console(hall, "duty")
    tab.at("year-lectures-open").click()
    tab.at("year-lecture").filter(has_text="学习条例").get_by_test_id("year-worth").click()
    tab.page.get_by_role("dialog").get_by_role("textbox").fill("2.5")
    tab.page.get_by_role("button", name="保存").click()
    expect(tab.at("year-lectures")).to_contain_text("3 场 8.5 学时")
    tab.at("year-table-open").click()
    expect(tab.at("hours-save")).to_be_disabled()
    tab.at("hours-member").fill("8.5")
    expect(tab.at("hours-save")).to_be_disabled()
    tab.at("hours-why").fill("按市里要求")
    tab.at("hours-save").click()
    expect(tab.at("year-table")).to_contain_text("党员 8.5 学时")
    expect(tab.at("year-reached")).not_to_have_text("0 / 24 人")
    tab.at("year-table-open").click()
    tab.page.get_by_text("历次版本（2）").click()
    tab.says("按市里要求")


def test_an_organizer_sees_their_branch_and_changes_nothing(place: tuple[Hall, int]) -> None:
    hall, _ = place
    tab = console(hall, "zhenba", PHONE)
    expect(tab.at("year-member")).to_have_count(8)
    expect(tab.at("year-branch")).to_have_count(2)
    tab.at("year-lectures-open").click()
    expect(tab.at("year-lecture")).to_have_count(3)
    expect(tab.at("year-worth")).to_have_count(0)
    tab.at("year-table-open").click()
    expect(tab.at("hours-sentence")).to_contain_text("年度目标")
    expect(tab.at("hours-save")).to_have_count(0)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
