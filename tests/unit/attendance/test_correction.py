"""What somebody found instead of what was measured: it holds, and what was measured stands beside it everywhere."""

from __future__ import annotations

import csv
import io
import json
import random

from python_calamine import CalamineWorkbook

from attendance.correction import Correction, CorrectionBook
from attendance.decision import Kind, decisions
from attendance.excuse import ExcuseBook
from attendance.facts import Body, Corrected, CorrectionWithdrawn, ExcuseWithdrawn, Fact, Leave, MemberExcused, Verdict
from attendance.io import export_csv, export_json, export_xlsxwriter
from attendance.report import Line, Report
from tests.unit.attendance.conftest import MakeReport, S

MADE = Corrected("m2", "k1", Verdict.PRESENT, 95 * S, Verdict.NOT_MEASURED, None, "s1")
AGAIN = Corrected("m2", "k2", Verdict.LATE, None, Verdict.PRESENT, 95 * S, None)
BACK = CorrectionWithdrawn("m2", Verdict.LATE, None, "s2")
CORRECTED: list[tuple[float, Body]] = [(4000, MADE)]


def line(report: Report) -> Line:
    return next(one for one in report.lines if one.invitation.member.id == "m2")


def test_what_was_found_last_holds_whatever_the_order() -> None:
    bodies: list[tuple[int, Corrected | CorrectionWithdrawn]] = [(10, MADE), (20, AGAIN), (30, BACK)]
    for until, found in ((1, MADE), (2, AGAIN), (3, None)):
        facts = [Fact("party", "a", "1", number, at, body) for number, (at, body) in enumerate(bodies[:until], 1)]
        for seed in range(4):
            shuffled = [*facts, *facts]
            random.Random(seed).shuffle(shuffled)
            book = CorrectionBook()
            for fact in shuffled:
                assert isinstance(fact.body, Corrected | CorrectionWithdrawn)
                book.file(fact, fact.body)
            holds = book.of("m2")
            assert holds == (
                None if found is None else Correction(found.id, until * 10, found.verdict, found.credited, found.by)
            )
            assert book.members == ([] if found is None else ["m2"])
            assert [body for _, body in book.history("m2")] == [body for _, body in bodies[:until]]
    assert (book.of("m1"), book.staff) == (None, {"s1", "s2"})


def test_everything_that_was_decided_is_told_in_order() -> None:
    excuses, corrections = ExcuseBook(), CorrectionBook()
    told: list[tuple[int, MemberExcused | ExcuseWithdrawn]] = [
        (5, MemberExcused("m2", Leave.DUTY, "s1")), (25, MemberExcused("m2", Leave.ILLNESS, None)),
        (40, ExcuseWithdrawn("m2", "s1")),
    ]  # fmt: skip
    for number, (at, body) in enumerate(told, 1):
        excuses.file(Fact("party", "a", "1", number, at, body), body)
    made: list[tuple[int, Corrected | CorrectionWithdrawn]] = [(10, MADE), (30, BACK)]
    for number, (at, each) in enumerate(made, 10):
        corrections.file(Fact("party", "a", "1", number, at, each), each)
    found = decisions("m2", excuses, corrections, {"k1": "为证"})
    assert [(one.at, one.kind, one.before, one.after, one.by, one.why) for one in found] == [
        (5, Kind.LEAVE_GIVEN, "", "duty", "s1", ""),
        (10, Kind.CORRECTED, "not-measured", "present", "s1", "为证"),
        (25, Kind.LEAVE_GIVEN, "duty", "illness", None, ""),
        (30, Kind.CORRECTION_WITHDRAWN, "late", "", "s2", ""),
        (40, Kind.LEAVE_WITHDRAWN, "illness", "", "s1", ""),
    ]


def test_the_verdict_that_holds_is_the_corrected_one_and_figures_stay_as_measured(make_report: MakeReport) -> None:
    before, after = make_report(), make_report(more=CORRECTED)
    assert (line(before).verdict, line(before).credited) == (Verdict.NOT_MEASURED, None)
    assert (line(after).verdict, line(after).credited) == (Verdict.PRESENT, 95 * S)
    assert line(after).account == line(before).account
    assert line(after).judgement == line(before).judgement
    was, now = before.branches()[0], after.branches()[0]
    assert (now.present, now.not_measured) == (was.present + 1, was.not_measured)
    taken_back = make_report(more=[*CORRECTED, (4100, BACK)])
    assert line(taken_back).verdict is Verdict.NOT_MEASURED
    assert len(taken_back.decisions) == len(before.decisions) + 2


def test_the_explanation_names_who_and_when_and_what_was_measured(make_report: MakeReport) -> None:
    report = make_report(more=CORRECTED)
    assert report.explanation(line(report), "zh") == (
        "李主任于 11-24 21:06 更正为“出席”，计入 1 分 35 秒（测得：未测得）；未测得：没有可用的证据；进入失败 1 次"
    )
    assert report.explanation(line(report), "en").startswith(
        "Corrected to Present, 1 min 35 s credited by 李主任, 11-24 21:06 (was Not measured); Not measured"
    )


def test_both_values_stand_in_every_export(make_report: MakeReport) -> None:
    report = make_report(more=CORRECTED)
    heading, *lines = csv.reader(io.StringIO(export_csv.write(report).decode("utf-8-sig")))
    row = next(dict(zip(heading, one, strict=True)) for one in lines if one and one[-1] == "m2")
    assert (row["考勤结论"], row["测得结论"], row["计入时长（秒）"]) == ("出席", "未测得", "未测得")
    assert (row["更正后计入时长（秒）"], row["更正人"]) == ("95.000", "李主任")
    assert (row["更正时间"], row["更正原因"]) == ("2025-11-24T21:06:40.000+08:00", "'=会场签到表为证")

    document = json.loads(export_json.write(report))
    member = next(one for one in document["members"] if one["id"] == "m2")
    assert (member["verdict"], member["measured_verdict"], member["credited_seconds"]) == (
        "present",
        "not-measured",
        None,
    )
    assert member["correction"] == {
        "verdict": "present", "credited_seconds": 95.0, "at": "2025-11-24T21:06:40.000+08:00", "by": "李主任",
        "why": "=会场签到表为证",
    }  # fmt: skip
    assert [one["what"] for one in document["decisions"]] == ["leave-given", "corrected"]
    assert document["decisions"][1]["by"] == "李主任"

    book = CalamineWorkbook.from_filelike(io.BytesIO(export_xlsxwriter.write(report)))
    _, leave, made = book.get_sheet_by_name("更正与请假").to_python()
    assert leave[3:6] == ["准假", "", "病假"]
    assert made[1:6] == ["=HYPERLINK(1)", "2025-11-24 21:06:40.000+08:00", "更正考勤", "未测得", "出席"]
    assert made[8:] == ["李主任", "=会场签到表为证", "m2"]
