"""The office over the stores of a data folder, on both databases."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from attendance.facts import LectureMoved, LectureState, NodeStarted, NodeStopped
from attendance.sheet.reasons import SENTENCES as REASONS
from classroom.errors import SENTENCES, UserError
from classroom.io.clock_time import SystemClock
from classroom.io.stores_sqlalchemy import Stores, base_url, new_id, open_stores
from classroom.office import RecorderDesk, StoreOffice, micros, moment
from classroom.people.ticket import TicketRevoked
from classroom.ports import ExportFormat
from classroom.settings import Settings

ROSTER = "姓名,支部,手机\n张伟,镇巴县/泾洋街道党支部,13800000000\n李娜,西乡县/城关党支部,\n,西乡县,\n".encode("gb18030")
START = datetime.datetime(2026, 1, 31, 19, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))


@pytest.fixture
async def stores(database_url: str, tmp_path: Path) -> AsyncIterator[Stores]:
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(database_url))
    async with open_stores(settings, SystemClock()) as opened:
        yield opened


@pytest.fixture
def office(stores: Stores) -> StoreOffice:
    return stores.office(RecorderDesk(stores.recorder, stores.lectures), "https://class.example.org/")


async def test_a_new_lecture_has_links_for_lecturer_host_and_guest(office: StoreOffice) -> None:
    made = await office.create_lecture(" 晚间　课堂 ", START, START + datetime.timedelta(hours=2))
    assert (made.title, made.state, made.invited) == ("晚间 课堂", LectureState.PLANNED, 0)
    assert made.starts == START
    links = await office.links(made.id)
    assert [(link.role, link.name, link.branch) for link in links] == [
        ("lecturer", "主讲人", ""),
        ("host", "主持人", ""),
        ("guest", "嘉宾", ""),
    ]
    assert links[0].url == f"https://class.example.org/j?l={made.id}#{links[0].ticket}"
    assert await office.links(made.id) == links
    assert await office.lectures() == [made]


async def test_lectures_are_listed_the_latest_first(office: StoreOffice) -> None:
    day = datetime.timedelta(days=1)
    for title, starts in (("b", START + day), ("a", START), ("c", START + 400 * day)):
        await office.create_lecture(title, starts, None)
    assert [lecture.title for lecture in await office.lectures()] == ["c", "b", "a"]


async def test_an_import_invites_and_names_what_it_refuses(office: StoreOffice) -> None:
    lecture = await office.create_lecture("t", None, None)
    result = await office.import_roster("roster.csv", ROSTER, lecture.id)
    assert (result.added, result.changed, result.unchanged) == (2, 0, 0)
    assert [(row.line, row.reason) for row in result.refused] == [(4, REASONS["no-name"]["zh"])]
    assert (await office.lecture(lecture.id)).invited == 2
    assert [link.name for link in await office.links(lecture.id, ("西乡县",))] == ["李娜"]
    again = await office.import_roster("roster.csv", ROSTER, lecture.id, "en", ("镇巴县",))
    assert (again.unchanged, [row.line for row in again.refused]) == (1, [3, 4])


async def test_an_organizer_of_a_branch_names_guests_and_nobody_who_leads(office: StoreOffice) -> None:
    lecture = await office.create_lecture("t", None, None)
    rows = "姓名,支部,角色\n张伟,镇巴县,主讲人\n王芳,镇巴县,主持人\n李娜,镇巴县,嘉宾\n刘洋,镇巴县,\n".encode()
    result = await office.import_roster("r.csv", rows, lecture.id, "en", ("镇巴县",))
    assert result.added == 2
    assert [row.line for row in result.refused] == [2, 3]
    assert "above you" in result.refused[0].reason
    assert {link.role for link in await office.links(lecture.id, ("镇巴县",))} == {"guest", "member"}
    assert (await office.import_roster("r.csv", rows, lecture.id)).added == 2


async def test_a_roster_without_a_lecture_invites_nobody(office: StoreOffice) -> None:
    lecture = await office.create_lecture("t", None, None)
    await office.import_roster("roster.csv", ROSTER, None)
    assert (await office.lecture(lecture.id)).invited == 0


async def test_a_renewed_link_opens_and_the_old_one_does_not(office: StoreOffice, stores: Stores) -> None:
    lecture = await office.create_lecture("t", None, None)
    await office.import_roster("roster.csv", ROSTER, lecture.id)
    old = (await office.links(lecture.id, ("西乡县",)))[0]
    now = stores.clock.now()
    assert (await stores.door.read(old.ticket, now)).member.name == "李娜"
    with pytest.raises(UserError) as caught:
        await office.renew_link(lecture.id, old.member, ("镇巴县",))
    assert caught.value.reason == "no-such-member"
    new = await office.renew_link(lecture.id, old.member)
    assert (await stores.door.read(new.ticket, now)).member.id == old.member
    with pytest.raises(TicketRevoked):
        await stores.door.read(old.ticket, now)


async def test_a_lecture_is_started_and_ended_by_facts(office: StoreOffice, stores: Stores) -> None:
    lecture = await office.create_lecture("t", None, None)
    assert (await office.start(lecture.id, "staff")).state is LectureState.LIVE
    assert (await office.start(lecture.id)).state is LectureState.LIVE
    assert (await office.end(lecture.id)).state is LectureState.ENDED
    assert (await office.end(lecture.id)).state is LectureState.ENDED
    with pytest.raises(UserError) as caught:
        await office.start(lecture.id)
    assert caught.value.reason == "lecture-over"
    assert (await office.lectures())[0].state is LectureState.ENDED
    bodies = [stored.fact.body async for stored in stores.ledger.read(lecture.id)]
    assert bodies == [
        NodeStarted(),
        LectureMoved(LectureState.LIVE, "button", "staff"),
        NodeStopped(),
        NodeStarted(),
        LectureMoved(LectureState.ENDED, "ended"),
        NodeStopped(),
    ]
    verified = await office.verify(lecture.id)
    assert (verified.rows, verified.ok) == (6, True)


@pytest.mark.parametrize("form", ["json", "csv", "xlsx"])
async def test_an_export_of_a_lecture_that_nobody_joined(office: StoreOffice, form: ExportFormat) -> None:
    lecture = await office.create_lecture("t", None, None)
    await office.import_roster("roster.csv", ROSTER, lecture.id)
    await office.start(lecture.id)
    await office.end(lecture.id)
    body = await office.export(lecture.id, form, ("镇巴县",))
    if form == "json":
        (member,) = json.loads(body)["members"]
        assert (member["name"], member["credited_seconds"]) in (("张伟", None), ("张伟", 0.0))
    else:
        assert len(body) > 100


async def test_staff_is_made_once(office: StoreOffice, stores: Stores) -> None:
    await office.create_staff("admin", "password123")
    await office.create_staff("zhenba", "password456", ("镇巴县",))
    found = await stores.staff.find("zhenba")
    assert found is not None
    assert found[0].branch == ("镇巴县",)
    assert await stores.passwords.verify(found[1], "password456")
    with pytest.raises(UserError) as caught:
        await office.create_staff("admin", "password789")
    assert caught.value.reason == "name-taken"


async def test_what_a_person_can_mend_is_named(office: StoreOffice) -> None:
    lecture = (await office.create_lecture("t", None, None)).id
    attempts = [
        (office.create_lecture(" \u3000", None, None), "bad-title"),
        (office.create_lecture("x" * 201, None, None), "bad-title"),
        (office.create_lecture("t", START, START), "bad-times"),
        (office.create_staff("", "password123"), "bad-staff-name"),
        (office.create_staff("a", "short"), "weak-password"),
        (office.lecture("none"), "no-such-lecture"),
        (office.start("none"), "no-such-lecture"),
        (office.links("none"), "no-such-lecture"),
        (office.export("none", "json"), "no-such-lecture"),
        (office.verify("none"), "no-such-lecture"),
        (office.renew_link(lecture, "none"), "no-such-member"),
        (office.import_roster("a.csv", ROSTER, "none"), "no-such-lecture"),
        (office.import_roster("a.csv", b"", None), "sheet-empty"),
        (office.import_roster("a.csv", b"\xff\xff\xff", None), "sheet-encoding"),
        (office.import_roster("a.csv", b"a,b\n1,2\n", None), "sheet-no-name-column"),
        (office.import_roster("a.csv", b"name,phone\na,\n", None), "sheet-no-branch-column"),
        (office.import_roster("a.xlsx", b"PK\x03\x04", None), "sheet-damaged"),
    ]
    for attempt, reason in attempts:
        with pytest.raises(UserError) as caught:
            await attempt
        assert caught.value.reason == reason
        assert reason in SENTENCES


async def test_sessions_end_by_time_and_by_hand(stores: Stores, office: StoreOffice) -> None:
    await office.create_staff("admin", "password123")
    found = await stores.staff.find("admin")
    assert found is not None
    member = found[0]
    await stores.staff.open_session("token", member.id, 0, 100)
    signed = await stores.staff.session("token", 99)
    assert signed is not None
    assert signed.member == member
    assert await stores.staff.session("token", 100) is None
    assert await stores.staff.session("other", 0) is None
    await stores.staff.open_session("next", member.id, 100, 300)
    assert await stores.staff.session("token", 50) is None  # removed on the way
    await stores.staff.close_session("next")
    assert await stores.staff.session("next", 150) is None


def test_ids_begin_like_no_option_and_differ() -> None:
    drawn = {new_id() for _ in range(500)}
    assert len(drawn) == 500
    assert all(one.isalnum() for one in drawn)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(), "http://127.0.0.1:9000"),
        (Settings(http_host="::1"), "http://[::1]:9000"),
        (Settings(http_host="0.0.0.0", advertise=("192.0.2.7",)), "http://192.0.2.7:9000"),
        (Settings(http_host="::"), "http://127.0.0.1:9000"),
        (Settings(public_url="https://class.example.org"), "https://class.example.org"),
    ],
)
def test_how_people_reach_the_service(settings: Settings, url: str) -> None:
    assert base_url(settings, 9000) == url


def test_times_go_there_and_back_exactly() -> None:
    time = START.replace(microsecond=123_457)
    assert moment(micros(time)) == time
    assert moment(None) is None
    assert micros(None) is None


async def test_the_clock_goes_on_from_where_the_ledger_ends(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(database_url))
    fast, set_back = SystemClock(), SystemClock()
    fast.advance(fast.now() + 3_600_000_000)
    async with open_stores(settings, fast) as stores:
        await stores.recorder.record("party", NodeStarted())
        told = fast.now()
    async with open_stores(settings, set_back):
        assert told - 1_000_000 < set_back.now() < told + 60_000_000
