"""A year of lectures: sums by member and branch, and what outcomes are kept of a report."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attendance import year
from attendance.hours import DEFAULT, Kind
from attendance.roster import BranchPath, Role
from attendance.verdict import MINUTE, Verdict
from attendance.year import Held, Outcome, Outcomes, Participant, Stamp, compose_year, held, outcomes_of
from tests.unit.attendance.conftest import MakeReport

S = 1_000_000
JUNE = 1_780_300_000 * S  # in 2026
NEW_YEAR = 1_798_732_800 * S
"""2027-01-01 00:00 in China, still 2026 in UTC."""


def outcomes(lecture: str, members: dict[str, Outcome], started: int | None = JUNE, minutes: int = 90) -> Outcomes:
    ended = None if started is None else started + minutes * MINUTE
    return Outcomes(lecture, Stamp(1, b"", len(members)), None, 1, started, ended, None, members)


def outcome(verdict: Verdict, received: int | None = 90) -> Outcome:
    return Outcome(verdict, received, None if received is None else 90)


def person(name: str, *branch: str, kind: Kind = Kind.MEMBER, left: bool = False) -> Participant:
    return Participant(name, name, branch, None, kind, left)


def lectures(*members: dict[str, Outcome]) -> tuple[Held, ...]:
    return held(2026, DEFAULT, [("党课", outcomes(f"l{n}", one, JUNE + n)) for n, one in enumerate(members)], {})


def test_a_report_s_verdicts_are_kept_without_those_whom_no_rule_binds(make_report: MakeReport) -> None:
    report = make_report()
    found = outcomes_of(report, 5)
    bound = {one.invitation.member.id for one in report.lines if one.invitation.role == Role.MEMBER}
    assert set(found.members) == bound < {one.invitation.member.id for one in report.lines}
    for line in report.lines:
        if line.judgement is not None:
            kept = found.members[line.invitation.member.id]
            assert (kept.verdict, kept.credited) == (line.judgement.verdict, line.judgement.credited)
    assert (found.stamp.row, found.stamp.hash, found.stamp.invited) == (report.row, report.hash, 5)
    assert (found.head, found.started, found.rule) == (report.head, report.started, report.rule.version)


def test_a_lecture_is_of_the_year_that_it_was_in_in_china() -> None:
    found = [("a", outcomes("a", {}, NEW_YEAR - 1)), ("b", outcomes("b", {}, NEW_YEAR)), ("c", outcomes("c", {}, None))]
    assert [one.id for one in held(2026, DEFAULT, found, {})] == ["a"]
    assert [one.id for one in held(2027, DEFAULT, found, {})] == ["b"]


def test_a_worth_that_somebody_set_goes_before_the_table() -> None:
    found = [("a", outcomes("a", {})), ("b", outcomes("b", {}, JUNE + 1))]
    first, second = held(2026, DEFAULT, found, {"b": 400})
    assert (first.worth, first.by_hand, second.worth, second.by_hand) == (150, False, 400, True)


def test_the_worst_come_first_and_who_left_last() -> None:
    present, absent = outcome(Verdict.PRESENT), outcome(Verdict.ABSENT, 0)
    here = lectures({"a": present, "b": absent, "c": present, "d": absent})
    people = [
        person("a", "镇巴县"), person("b", "镇巴县"), person("c", "西乡县", kind=Kind.OFFICER),
        person("d", "西乡县", left=True), person("e", "西乡县", left=True),
    ]  # fmt: skip
    found = compose_year(2026, (), DEFAULT, 1, here, people)
    assert [one.member.id for one in found.members] == ["b", "c", "a", "d"]
    assert [(one.hours, one.target) for one in found.members] == [(0, 3200), (150, 5600), (150, 3200), (0, 3200)]
    assert [(one.branch, one.members) for one in found.branches] == [((), 3), (("镇巴县",), 2), (("西乡县",), 1)]


def test_what_was_not_measured_is_told_and_in_no_sum() -> None:
    here = lectures({"a": outcome(Verdict.NOT_MEASURED, None)}, {"a": outcome(Verdict.PRESENT)})
    (one,) = compose_year(2026, (), DEFAULT, 1, here, [person("a", "镇巴县")]).members
    assert [entry.hours for entry in one.entries] == [None, 150]
    assert (one.hours, one.invited, one.counts[Verdict.NOT_MEASURED]) == (150, 2, 1)


def test_who_was_never_measured_is_neither_worst_nor_weighs_on_the_branch() -> None:
    here = lectures(
        {"a": outcome(Verdict.NOT_MEASURED, None), "b": outcome(Verdict.PRESENT), "c": outcome(Verdict.LATE)}
    )
    people = [person("a", "镇巴县"), person("b", "西乡县"), person("c", "西乡县")]
    found = compose_year(2026, (), DEFAULT, 1, here, people)
    assert [(one.member.id, one.measured) for one in found.members] == [("c", True), ("b", True), ("a", False)]
    assert [(one.branch, one.progress) for one in found.branches] == [
        ((), 150 / 3200 / 2),
        (("西乡县",), 150 / 3200 / 2),
        (("镇巴县",), None),
    ]


def test_whoever_is_on_the_roster_stands_in_it_invited_or_not() -> None:
    (one,) = compose_year(2026, ("镇巴县",), DEFAULT, 1, (), [person("a", "镇巴县")]).members
    assert (one.hours, one.invited, one.reached, one.progress) == (0, 0, False, 0.0)


branches: st.SearchStrategy[BranchPath] = st.lists(st.sampled_from(["甲", "乙"]), min_size=1, max_size=3).map(tuple)


@given(
    st.lists(st.dictionaries(st.sampled_from("abcde"), st.sampled_from(Verdict)), max_size=12),
    st.dictionaries(st.sampled_from("abcde"), branches),
)
def test_every_sum_is_the_sum_of_its_parts(attended: list[dict[str, Verdict]], members: dict[str, BranchPath]) -> None:
    here = lectures(*({name: outcome(verdict) for name, verdict in one.items()} for one in attended))
    found = compose_year(2026, (), DEFAULT, 1, here, [person(name, *branch) for name, branch in members.items()])
    assert {one.member.id for one in found.members} == set(members)
    for one in found.members:
        verdicts = [held[one.member.id] for held in attended if one.member.id in held]
        assert one.hours == 150 * verdicts.count(Verdict.PRESENT) == sum(entry.hours or 0 for entry in one.entries)
        assert sum(one.counts.values()) == one.invited == len(verdicts)
        assert one.reached == (one.hours >= one.target)
    whole, *lines = found.branches
    assert whole.members == len(members) == sum(line.members for line in lines if len(line.branch) == 1)
    known = [line.progress for line in lines if line.progress is not None]
    assert [line.progress for line in lines] == [*sorted(known), *[None] * (len(lines) - len(known))]
    measured = [one.progress for one in found.members if one.measured]
    assert measured == sorted(measured)
    assert not any(one.measured for one in found.members[len(measured) :])


def test_the_year_turns_in_china() -> None:
    assert (year.year_of(NEW_YEAR - 1), year.year_of(NEW_YEAR)) == (2026, 2027)
