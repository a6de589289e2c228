from __future__ import annotations

import pytest

from attendance.errors import SheetError
from attendance.roster import Invitation, Member
from attendance.sheet.rows import Row, Sheet
from classroom.people.agenda import SENTENCES, Invited, Unfit, Wanted, checked, read


def sheet(*rows: str) -> Sheet:
    return Sheet("", tuple(Row(line, tuple(row.split(","))) for line, row in enumerate(rows, 1)))


def line(name: str, branch: str = "", phone: str | None = None, member: str | None = None) -> Wanted:
    return Wanted(1, name, tuple(part for part in branch.split("/") if part), "", 5, phone, None, member)


def invited(name: str, branch: str, role: str = "member", phone: str | None = None, member: str = "") -> Invitation:
    return Invitation("l1", Member(member or f"{name}{branch}", name, tuple(branch.split("/")), phone), role, 1)


def test_a_clerks_sheet_is_read() -> None:
    lines, refused = read(
        [
            sheet(
                "镇巴县流动党员发言安排",
                "序号,姓 名,支部/县区,发言题目,分钟（min）,手机号",
                "1,王　芳,镇巴县 / 驻西安党支部,在他乡办起合作社,6分钟,138 0000 0001",
                "2,刘洋,西乡县,,,",
                ",,,,,",
            )
        ],
        "zh",
    )
    assert refused == []
    first, second = lines
    assert (first.line, first.name, first.branch) == (3, "王芳", ("镇巴县", "驻西安党支部"))
    assert (first.title, first.minutes, first.phone) == ("在他乡办起合作社", 6, "13800000001")
    assert (second.branch, second.title, second.minutes, second.phone) == (("西乡县",), "", 5, None)


@pytest.mark.parametrize(
    "headings", ["姓名,支部,题目,分钟,手机号", "Name,County,Title,Minutes,Mobile", "发言人姓名,县区,内容,时长,联系电话"]
)
def test_headings_have_many_names(headings: str) -> None:
    named = headings.replace("发言人姓名", "姓名")
    (one,), refused = read([sheet(named, "Li Na,洋县,Home,8.0,13800000002")], "en")
    assert refused == []
    assert (one.name, one.branch, one.title, one.minutes, one.phone) == ("Li Na", ("洋县",), "Home", 8, "13800000002")


def test_each_line_says_what_is_wrong_with_it() -> None:
    lines, refused = read(
        [
            sheet(
                "姓名,县区,题目,分钟,手机号",
                ",镇巴县,a,5,",
                "王芳,镇巴县,a,很久,",
                "王芳,镇巴县,a,0,",
                "王芳,镇巴县,a,121,",
                f"王芳,镇巴县,{'长' * 101},5,",
                "王芳,镇巴县,a,5,12345",
                "赵六,镇巴县,a,5,",
            )
        ],
        "zh",
    )
    assert [one.name for one in lines] == ["赵六"]
    assert [each.line for each in refused] == [2, 3, 4, 5, 6, 7]
    assert refused[1].reason == SENTENCES["bad-minutes"]["zh"]
    assert refused[4].reason == SENTENCES["bad-topic"]["zh"]
    assert all(each.reason for each in refused)


def test_a_sheet_without_names_is_refused_whole() -> None:
    with pytest.raises(SheetError, match="no-name-column"):
        read([sheet("题目,分钟", "a,5")], "zh")
    with pytest.raises(SheetError, match="no-rows"):
        read([], "zh")


def test_what_is_typed_is_tidied_and_limited() -> None:
    tidy = checked(Wanted(1, " 王\u200b芳 ", ("镇巴县 ", " "), "  家   乡 ", 5, " "))
    assert (tidy.name, tidy.branch, tidy.title, tidy.phone) == ("王芳", ("镇巴县",), "家乡", None)
    for wrong in (
        Wanted(1, "", (), "", 5),
        Wanted(1, "123", (), "", 5),
        Wanted(1, "王芳", ("长" * 61,), "", 5),
        Wanted(1, "王芳", (), "", 0),
    ):
        with pytest.raises(Unfit):
            checked(wrong)


def test_whom_a_line_means() -> None:
    people = Invited(
        [
            invited("王芳", "镇巴县/泾洋"),
            invited("王芳", "西乡县/城关"),
            invited("刘洋", "镇巴县/泾洋", phone="138****0001", member="a"),
            invited("刘洋", "镇巴县/泾洋", phone="138****0002", member="b"),
            invited("陈静", "城固县", "guest"),
            invited("陈静", "城固县/莲花"),
            invited("赵主任", "组织部", "host"),
        ]
    )

    def found(wanted: Wanted) -> str | None:
        invitation = people.find(wanted)
        return None if invitation is None else invitation.member.id

    assert found(line("王芳", "镇巴县")) == "王芳镇巴县/泾洋"
    assert found(line("王芳", "洋县")) is None
    with pytest.raises(Unfit, match="several"):
        found(line("王芳"))
    assert found(line("刘洋", "镇巴县", phone="13800000002")) == "b"
    assert found(line("刘洋", phone="13800009999")) is None
    assert found(line("陈静")) == "陈静城固县"  # the guest among namesakes
    assert found(line("赵主任")) is None  # the host is no guest
    assert found(line("王芳", member="王芳西乡县/城关")) == "王芳西乡县/城关"
    assert found(line("刘洋二", member="a")) is None  # another name was written over theirs
