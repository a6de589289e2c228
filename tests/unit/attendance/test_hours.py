"""Credit hours: what a lecture is worth, what a member gets of it, and who owes how many."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.hours import (
    DEFAULT,
    BadHours,
    Credit,
    HoursTable,
    Kind,
    Length,
    Part,
    Rounding,
    check,
    credited,
    kind_of,
    marked,
    table_sentence,
    worth,
    written,
)
from attendance.verdict import MINUTE, Verdict

SHARE = msgspec.structs.replace(DEFAULT, credit=Credit.SHARE)
TIME = msgspec.structs.replace(DEFAULT, credit=Credit.TIME)

tables = st.builds(
    HoursTable,
    credit=st.sampled_from(Credit),
    hour=st.integers(10, 480),
    unit=st.sampled_from([0.1, 0.25, 0.5, 1.0]),
    rounding=st.sampled_from(Rounding),
    lengths=st.just(DEFAULT.lengths) | st.just(()),
)
verdicts = st.sampled_from(Verdict)
lengths = st.integers(0, 600 * MINUTE)


@pytest.mark.parametrize(
    ("minutes", "hours"),
    [(0, 0), (14.9, 0), (15, 50), (60, 100), (88, 150), (74.9, 100), (90, 150), (179.4, 300), (179.5, 400), (180, 400),
     (239, 400), (300, 500), (360, 800), (600, 1000)],
)  # fmt: skip
def test_an_hour_is_one_half_a_day_four_and_a_day_eight(minutes: float, hours: int) -> None:
    assert worth(DEFAULT, round(minutes * MINUTE)) == hours


def test_another_organization_counts_by_45_minutes_and_rounds_down() -> None:
    table = check(HoursTable(hour=45, unit=0.25, rounding=Rounding.DOWN, lengths=()))
    assert [worth(table, minutes * MINUTE) for minutes in (11, 12, 44, 45, 90, 179)] == [0, 25, 75, 100, 200, 375]


def test_by_verdict_it_is_all_or_nothing() -> None:
    assert credited(DEFAULT, 150, Verdict.PRESENT, 72, 90) == 150
    for verdict in (Verdict.LATE, Verdict.LEFT_EARLY, Verdict.INCOMPLETE, Verdict.EXCUSED, Verdict.ABSENT):
        assert credited(DEFAULT, 150, verdict, 71, 90) == 0


@pytest.mark.parametrize(("received", "hours"), [(100, 150), (80, 150), (79, 100), (50, 100), (49, 0), (0, 0)])
def test_by_share_it_goes_in_steps(received: int, hours: int) -> None:
    assert credited(SHARE, 150, Verdict.LATE, received, 100) == hours


@pytest.mark.parametrize(("received", "hours"), [(100, 400), (90, 350), (50, 200), (6, 0), (7, 50), (0, 0)])
def test_by_time_it_goes_in_proportion(received: int, hours: int) -> None:
    assert credited(TIME, 400, Verdict.LATE, received, 100) == hours


@pytest.mark.parametrize("table", [DEFAULT, SHARE, TIME])
def test_a_verdict_by_hand_decides_alone(table: HoursTable) -> None:
    assert credited(table, 150, Verdict.PRESENT, None, None, decided=True) == 150
    assert credited(table, 150, Verdict.ABSENT, 90, 90, decided=True) == 0


@given(tables, lengths, verdicts, st.integers(0, 1000), st.integers(0, 1000))
def test_nobody_gets_more_than_a_lecture_is_worth_and_the_unmeasured_get_no_zero(
    table: HoursTable, length: int, verdict: Verdict, received: int, rest: int
) -> None:
    whole = worth(table, length)
    got = credited(table, whole, verdict, received, received + rest)
    if verdict is Verdict.NOT_MEASURED:
        assert got is None
    elif got is not None:
        assert 0 <= got <= whole


@given(tables, st.lists(lengths, min_size=2).map(sorted))
def test_a_longer_lecture_is_never_worth_less(table: HoursTable, ordered: list[int]) -> None:
    assert all(worth(table, one) <= worth(table, longer) for one, longer in pairwise(ordered))


@given(tables, st.lists(st.integers(0, 1000), min_size=2).map(sorted))
def test_who_received_more_never_gets_less(table: HoursTable, received: list[int]) -> None:
    got = [credited(table, 400, Verdict.INCOMPLETE, one, 1000) or 0 for one in received]
    assert got == sorted(got)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (HoursTable(hour=0), "value"),
        (HoursTable(unit=0.3), "value"),
        (HoursTable(member=-1), "value"),
        (HoursTable(officer=1e9), "value"),
        (HoursTable(member=32.001), "value"),
        (HoursTable(lengths=(Length(0, 1),)), "value"),
        (HoursTable(shares=(Part(101, 100),)), "value"),
        (HoursTable(lengths=(Length(180, 4), Length(180, 5))), "lengths"),
        (HoursTable(lengths=(Length(180, 4), Length(360, 4))), "lengths"),
        (HoursTable(lengths=tuple(Length(n, n) for n in range(1, 20))), "lengths"),
        (HoursTable(shares=(Part(50, 100), Part(80, 50))), "shares"),
        (HoursTable(credit=Credit.SHARE, shares=()), "shares"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_what_is_wrong(wrong: HoursTable, reason: str) -> None:
    with pytest.raises(BadHours) as refused:
        check(wrong)
    assert refused.value.reason == reason


def test_steps_may_come_in_any_order() -> None:
    assert check(HoursTable(lengths=DEFAULT.lengths[::-1], shares=DEFAULT.shares[::-1])).member == 32


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({}, Kind.MEMBER),
        ({"职务": "支部书记"}, Kind.OFFICER),
        ({"党内职务": "组织委员"}, Kind.OFFICER),
        ({"职务": "原村主任、支部副书记"}, Kind.OFFICER),
        ({"职务": "原支部书记"}, Kind.MEMBER),
        ({"职务": "法院书记员"}, Kind.MEMBER),
        ({"职务": "政协委员"}, Kind.MEMBER),
        ({"职务": "会计"}, Kind.MEMBER),
        ({"是否班子成员": "是"}, Kind.OFFICER),
        ({"班子成员": "否"}, Kind.MEMBER),
        ({"职务": "支部书记", "班子成员": "否"}, Kind.MEMBER),
        ({"职务": "支部书记", "班子成员": ""}, Kind.OFFICER),
        ({"班子成员": "纪检委员"}, Kind.OFFICER),
        ({"post": "Branch Secretary"}, Kind.OFFICER),
        ({"备注": "书记"}, Kind.MEMBER),
    ],
)
def test_officers_are_who_the_roster_calls_so(columns: dict[str, str], kind: Kind) -> None:
    assert kind_of(columns) is kind


@pytest.mark.parametrize("columns", [{}, {"职务": "支部书记"}, {"是否班子成员": "否", "职务": "会计"}])
@pytest.mark.parametrize("kind", Kind)
def test_what_is_said_by_hand_holds(columns: dict[str, str], kind: Kind) -> None:
    said = marked(columns, kind)
    assert kind_of(said) is kind
    assert columns.keys() <= said.keys()
    assert len(said) <= len(columns) + 1


def test_targets_are_the_regulation_s_unless_the_organization_says_otherwise() -> None:
    assert (DEFAULT.target(Kind.MEMBER), DEFAULT.target(Kind.OFFICER)) == (3200, 5600)


def test_the_table_in_words() -> None:
    said = table_sentence(DEFAULT, "zh")
    assert said == (
        "每 60 分钟计 1 学时（四舍五入到 0.5 学时）；满 180 分钟至少计 4 学时；满 360 分钟至少计 8 学时；"
        "达到考勤规则的计整场学时，其余不计；年度目标：党员 32 学时，书记和班子成员 56 学时。"
    )
    english = table_sentence(msgspec.structs.replace(SHARE, rounding=Rounding.DOWN), "en")
    assert "rounded down to 0.5" in english
    assert "80 % received gives 100 %" in english
    assert [written(one) for one in (None, 0, 50, 125, 3200)] == ["", "0", "0.5", "1.25", "32"]
