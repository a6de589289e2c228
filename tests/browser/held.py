"""A service that has been in use for a while: a roster of three counties, a lecture that was held yesterday with an
evening of every kind, one that goes on, one that nobody is invited to yet. Written into its database before it starts,
so that nobody has to watch anything; what organizers and members do about it goes through its own doors."""

from __future__ import annotations

import asyncio
import datetime
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance.facts import (
    AppearanceEnded,
    Body,
    Evidence,
    JoinFailed,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    SignInAnswered,
    SignInAsked,
    SlotFlowing,
    SlotSilent,
)
from classroom.io.clock_time import SystemClock
from classroom.io.stores_sqlalchemy import Stores, open_stores
from classroom.office import RecorderDesk
from classroom.settings import Settings
from tests.servers.service import Service

S = 1_000_000
MINUTE = 60 * S
PASSWORD = "correct horse"
OPERATOR, ORGANIZER = "李主任", "镇巴组织员"
COUNTIES = ("镇巴县", "西乡县", "洋县", "勉县")
BRANCHES = ("泾洋街道驻成都流动党支部", "兴隆镇驻苏州流动党支部", "城关流动党支部")
CITIES = ("成都", "陕西省西安市", "苏州", "深圳市", "东莞", "")
SURNAMES = "张王李赵刘陈杨黄周吴徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹"
FIRST, SECOND = "建国秀志晓丽春永海文玉明", "军强兰华东敏梅刚燕平红伟"
HELD_MINUTES = 90
OUTAGE = (36, 38)
"""Minutes."""
CHINA = datetime.timezone(datetime.timedelta(hours=8))


@dataclass(frozen=True)
class Held:
    """`over`: yesterday's lecture, `live`: that goes on, `planned`: tomorrow's, to which nobody is invited."""

    service: Service
    over: str
    live: str
    planned: str


def roster(people: int) -> bytes:
    rows = ["姓名,县区,支部,手机,流入地,职务"]
    for n in range(people):
        county, post = COUNTIES[n % 4], "支部书记" if n % 20 == 3 else ""
        name = SURNAMES[n % len(SURNAMES)] + FIRST[n * 7 % 12] + SECOND[(n // 12 + n) % 12]
        rows.append(f"{name},{county},{BRANCHES[n // 4 % 3]},139{n:08d},{CITIES[n % 6]},{post}")
    return "\n".join(rows).encode()


@dataclass(frozen=True)
class Seat:
    """One member at one lecture. `start`, `end`: of the lecture, µs."""

    member: str
    number: int
    start: int
    end: int

    def at(self, minutes: float) -> int:
        return self.start + round(minutes * MINUTE)

    def watches(
        self, came: int, left: int, evidence: Evidence = Evidence.PROVED, reason: str = "closed"
    ) -> Iterator[tuple[int, Body]]:
        """What they receive ends with our outage, and begins again after it."""
        page = f"c{self.member}-{came}"
        yield came, MemberConnected(self.member, page)
        away, back = self.at(OUTAGE[0]), self.at(OUTAGE[1]) + 3 * S
        parts = [(came + 2 * S, away), (back, left)] if came < away < left else [(came + 2 * S, left)]
        for begun, ended in parts:
            player = f"w{self.member}-{begun}"
            yield begun, ReceivingBegan(self.member, player, evidence, begun)
            yield ended, ReceivingStopped(self.member, player, ended, "relay" if ended == away else reason)
        yield left + S, MemberDisconnected(self.member, page, left, reason)

    def signs(self, *answered: bool) -> Iterator[tuple[int, Body]]:
        for at, said in enumerate(answered):
            asked = self.at(15 + 25 * at + self.number % 7)
            yield asked, SignInAsked(self.member, f"s{at}", asked + MINUTE)
            if said:
                yield asked + 20 * S, SignInAnswered(self.member, f"s{at}")

    def evening(self) -> Iterator[tuple[int, Body]]:
        """By number: of twelve seven see it whole; the others come late, leave, are cut off, cannot come in, stay away,
        or watch with a player that reports nothing."""
        match self.number % 12:
            case 6:
                yield from self.watches(self.at(33), self.end)
                yield from self.signs(False, True, True)
            case 7:
                yield from self.watches(self.at(-3), self.at(41))
                yield from self.signs(True, False, False)
            case 8:
                yield from self.watches(self.at(-1), self.at(18), reason="timeout")
                yield self.at(18.5), JoinFailed(self.member, "no-udp", "relay candidate only")
                yield from self.watches(self.at(18.3), self.at(30), reason="timeout")
                yield from self.watches(self.at(56), self.end, Evidence.REPORTED)
                yield from self.signs(True, False, True)
            case 9:
                yield from self.watches(self.at(-6), self.end, Evidence.REPORTED)
                yield from self.signs(True, True, True)
            case 10:
                if self.number % 24 == 10:
                    yield self.at(2), JoinFailed(self.member, "no-webrtc", "MicroMessenger/7.0")
            case 11:
                page = f"c{self.member}"
                yield self.at(1), MemberConnected(self.member, page)
                yield self.end, MemberDisconnected(self.member, page, self.end, "closed")
            case _:
                yield from self.watches(self.at(-8 + self.number % 9), self.end)
                yield from self.signs(True, self.number % 5 != 0, True)


async def hold(stores: Stores, lecture: str, start: int) -> None:
    """An evening of ninety minutes with an outage of ours, a silence, and a testimonial."""
    end = start + HELD_MINUTES * MINUTE
    invited = await stores.roster.invitations(lecture)
    lecturer = next(one.member.id for one in invited if one.role == "lecturer")
    guest = next(one.member.id for one in invited if one.role == "member")
    facts: list[tuple[int, Body]] = [
        (start - 30 * MINUTE, NodeStarted()),
        (start - 30 * MINUTE, LectureMoved(LectureState.LOBBY, "time")),
        (start, LectureMoved(LectureState.LIVE, "first-picture")),
        (start, SlotFlowing("lecturer", lecturer)),
        (start + OUTAGE[0] * MINUTE, OutageBegan("relay", start + OUTAGE[0] * MINUTE)),
        (start + OUTAGE[1] * MINUTE, OutageEnded("relay")),
        (start + OUTAGE[1] * MINUTE + S, SlotFlowing("lecturer", lecturer)),
        (start + 62 * MINUTE, SlotSilent("lecturer", start + 62 * MINUTE)),
        (start + 64 * MINUTE, SlotFlowing("lecturer", lecturer)),
        (start + 75 * MINUTE, AppearanceEnded(guest, None, start + 70 * MINUTE, start + 75 * MINUTE, 1)),
        (end, LectureMoved(LectureState.ENDED, "button")),
    ]
    members = [one.member.id for one in invited if one.role == "member"]
    for number, member in enumerate(members):
        facts += Seat(member, number, start, end).evening()
    in_order = sorted(facts, key=lambda step: step[0])
    await asyncio.gather(*(stores.recorder.record(lecture, body, at) for at, body in in_order))
    await stores.lectures.set_state(lecture, LectureState.ENDED)


def _moment(day: int, hour: int, minute: int) -> datetime.datetime:
    """So many days from today, by China's clock."""
    today = datetime.datetime.now(CHINA).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today + datetime.timedelta(days=day)


async def _fill(folder: Path, people: int) -> tuple[str, str, str]:
    async with open_stores(Settings(data_dir=folder), SystemClock()) as stores:
        office = stores.office(RecorderDesk(stores.recorder, stores.lectures), "http://127.0.0.1")
        await office.create_staff(OPERATOR, PASSWORD)
        await office.create_staff(ORGANIZER, PASSWORD, ("镇巴县",))
        await office.import_roster("花名册.csv", roster(people), None)
        begun = _moment(-1, 19, 30)
        over = await office.create_lecture(
            "第二讲　返乡创业与流动党员作用发挥", begun, begun + datetime.timedelta(minutes=90)
        )
        await stores.roster.invite_all(over.id)
        await hold(stores, over.id, round(begun.timestamp()) * S)
        now = datetime.datetime.now(CHINA) - datetime.timedelta(minutes=20)
        live = await office.create_lecture("第三讲　流动中的组织生活", now, now + datetime.timedelta(minutes=90))
        await stores.roster.invite_all(live.id)
        later = _moment(1, 19, 30)
        planned = await office.create_lecture(
            "第四讲　基层治理与数字乡村", later, later + datetime.timedelta(minutes=90)
        )
    return over.id, live.id, planned.id


def fill(service: Service, people: int = 96) -> Held:
    """Into the data folder of a service that does not run yet, which then starts."""
    with ThreadPoolExecutor(1) as aside:  # a browser's driver has a loop of its own in the caller's thread
        over, live, planned = aside.submit(asyncio.run, _fill(service.data, people)).result()
    service.start()
    service.command("lecture", "start", live, "--json")
    return Held(service, over, live, planned)


def dispute(held: Held) -> None:
    """What comes after it: one objects and is answered with a correction, one objects and waits, one has leave."""
    service, one = held.service, f"/api/lectures/{held.over}"
    tickets = {link.member: link.ticket for link in service.invited(held.over).links}
    found: dict[str, list[str]] = {}
    for line in service.rest("GET", f"{one}/report")["members"]:
        found.setdefault(line["verdict"], []).append(line["id"])
    objectors = (found["left-early"][0], found["incomplete"][0])
    for member, text in zip(
        objectors, ("手机没电，后半场在村部和大家一起看完。", "网络断了好几次，请核实。"), strict=True
    ):
        body = json.dumps({"ticket": tickets[member], "text": text}).encode()
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{service.url}/api/record/objection", body, kind)
        with urllib.request.urlopen(request, timeout=20):
            pass
    waiting: list[dict[str, Any]] = service.rest("GET", f"{one}/objections?state=open")
    answered = next(each for each in waiting if each["member"] == objectors[0])
    ruling = {"verdict": "present", "credited_seconds": None}
    answer = {"answer": "已核实村部签到表，予以认可。", "correction": ruling}
    service.rest("POST", f"{one}/objections/{answered['id']}/answer", answer)
    service.rest("PUT", f"{one}/excuses/{found['absent'][0]}", {"cause": "illness"})
