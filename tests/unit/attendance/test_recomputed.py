"""Every figure of an export can be reckoned again from the intervals in that export, and from nothing else."""

from __future__ import annotations

import datetime
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from attendance.facts import (
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
from attendance.interval import Span, clip, total, union
from attendance.io import export_json, export_xlsxwriter
from attendance.presence import Presence
from attendance.report import Reading, Report, compose, seconds
from attendance.roster import Invitation, Member, Role

S = 1_000_000
START = 1_763_985_600 * S
LENGTH = 600 * S
PEOPLE = ("m1", "m2")
times = st.integers(-60 * S, LENGTH + 30 * S)


@st.composite
def evenings(draw: st.DrawFn) -> list[tuple[int, Body]]:
    """Ten minutes to the µs: receptions that overlap and break off, outages, times with nothing on any slot."""
    steps: list[tuple[int, Body]] = [
        (-90 * S, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (LENGTH, LectureMoved(LectureState.ENDED, "button")),
    ]
    for member in PEOPLE:
        for number in range(draw(st.integers(0, 4))):
            since, until = sorted((draw(times), draw(times)))
            evidence = draw(st.sampled_from(Evidence))
            name = f"{member}-{number}"
            steps += [
                (since, MemberConnected(member, f"c{name}")),
                (since, ReceivingBegan(member, f"w{name}", evidence, START + since)),
                (until, ReceivingStopped(member, f"w{name}", START + until, "closed")),
                (until, MemberDisconnected(member, f"c{name}", START + until, "closed")),
            ]
    for _ in range(draw(st.integers(0, 2))):
        since, until = sorted((draw(times), draw(times)))
        steps += [(since, OutageBegan("relay", START + since)), (until, OutageEnded("relay"))]
    for _ in range(draw(st.integers(0, 2))):
        since, until = sorted((draw(times), draw(times)))
        steps += [(since, SlotSilent("lecturer", START + since)), (until, SlotFlowing("lecturer", "dean"))]
    return sorted(steps, key=lambda step: step[0])


def report(steps: Sequence[tuple[int, Body]]) -> Report:
    presence = Presence()
    for number, (at, body) in enumerate(steps, 1):
        presence.apply(Fact("party", "a", "1", number, START + at, body))
    roster = [Invitation("party", Member(one, one, ("洋县",)), Role.MEMBER, 1) for one in PEOPLE]
    return compose(Reading("party", presence, len(steps), bytes(32)), "第一课", roster)


def micros(text: str) -> int:
    return (datetime.datetime.fromisoformat(text) - datetime.datetime.fromtimestamp(0, datetime.UTC)) // (
        datetime.timedelta(microseconds=1)
    )


def figures(received: Sequence[Span], bridged: Sequence[Span], counted: Sequence[Span]) -> tuple[int, int, int]:
    """Received, credited, and the time that counts, in µs."""
    measured = total(clip(union(received), counted))
    return measured, measured + total(bridged), total(counted)


@settings(max_examples=60, deadline=None)
@given(evenings())
def test_from_the_json_alone(steps: list[tuple[int, Body]]) -> None:
    document = json.loads(export_json.write(report(steps)))

    def spans(found: list[dict[str, Any]]) -> list[Span]:
        return [Span(micros(one["from"]), micros(one["to"])) for one in found]

    counted = spans(document["counted"])
    for member in document["members"]:
        sessions = [one for one in member["sessions"] if one["kind"] == "receiving"]
        bridged = spans(member["bridged"])
        received, credited, denominator = figures(spans(sessions), bridged, counted)
        assert seconds(denominator or None) == member["denominator_seconds"]
        proved = union(spans([one for one in sessions if one["evidence"] == "proved"]))
        if member["receiving_seconds"] is not None:
            assert seconds(received) == member["receiving_seconds"]
            assert seconds(credited) == member["credited_seconds"]
            assert round(credited / denominator, 4) == member["share"]
        if member["proved_seconds"] is not None:
            assert seconds(total(clip(proved, counted))) == member["proved_seconds"]


@settings(max_examples=20, deadline=None)
@given(evenings())
def test_from_the_workbook_alone(steps: list[tuple[int, Body]]) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(export_xlsxwriter.write(report(steps))))

    def rows(name: str) -> list[dict[str, Any]]:
        heading, *lines = book.get_sheet_by_name(name).to_python()
        return [dict(zip(map(str, heading), line, strict=True)) for line in lines]

    def span(row: dict[str, Any]) -> Span:
        return Span(micros(row["开始"]), micros(row["结束"]))

    counted = [span(row) for row in rows("计时") if row["类别"] == "计入考勤"]
    received: defaultdict[str, list[Span]] = defaultdict(list)
    bridged: defaultdict[str, list[Span]] = defaultdict(list)
    for row in rows("区间"):
        kind = {"收看": received, "补接间断": bridged}.get(row["类别"])
        if kind is not None:
            kind[row["编号"]].append(span(row))
    for member in rows("人员"):
        if member["收看时长"] == "未测得":
            continue
        found = figures(received[member["编号"]], bridged[member["编号"]], counted)
        shown = [microseconds(member[key]) for key in ("收看时长", "计入时长", "应收看时长")]
        assert all(abs(one - other) < 1000 for one, other in zip(found, shown, strict=True))
        assert abs(found[1] / found[2] - member["收看比例"]) < 1e-9


def microseconds(cell: datetime.timedelta | datetime.time | float) -> int:
    """A duration as calamine gives it: a fraction of a day where the format says nothing else."""
    if isinstance(cell, datetime.timedelta):
        return cell // datetime.timedelta(microseconds=1)
    if isinstance(cell, datetime.time):
        return ((cell.hour * 60 + cell.minute) * 60 + cell.second) * S + cell.microsecond
    return round(cell * 86_400 * S)
