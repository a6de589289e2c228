"""What an import would do."""

from __future__ import annotations

import pytest

from attendance.errors import SheetError
from attendance.roster import BranchPath
from attendance.sheet.preview import Known, Person, Preview, compare, read, tidy
from attendance.sheet.rows import Row, Sheet

A: BranchPath = ("镇巴县", "泾洋街道党支部")
B: BranchPath = ("西乡县", "城关党支部")


def sheet(*rows: tuple[str, ...], name: str = "") -> Sheet:
    return Sheet(name, tuple(Row(line, cells) for line, cells in enumerate(rows, 1)))


def people(*rows: tuple[str, ...], headings: tuple[str, ...] = ("姓名", "支部", "手机")) -> list[Person]:
    found = read([sheet(headings, *rows)])
    assert found.refused == ()
    return list(found.people)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("张　伟", "张伟"),
        (" 张 伟 ", "张伟"),
        ("欧阳\u200b修", "欧阳修"),
        ("买买提•吐尔逊", "买买提·吐尔逊"),
        ("Anna  Maria", "Anna Maria"),
        ("𠮷 野", "𠮷野"),
    ],
)
def test_names_have_one_spelling(written: str, kept: str) -> None:
    assert tidy(written) == kept


@pytest.mark.parametrize("separator", ["/", " / ", "／", ">", " ＞ "])
def test_a_branch_is_split_where_clerks_split_it(separator: str) -> None:
    (one,) = people(("张伟", f"镇巴县{separator}泾洋街道党支部", ""))
    assert one == Person(2, "张伟", A, None)


def test_a_branch_may_stand_in_several_columns() -> None:
    headings = ("县区", "支部", "姓名")
    found = people(("镇巴县", "泾洋街道党支部", "张伟"), ("镇巴县", "镇巴县/泾洋街道党支部", "李娜"), headings=headings)
    assert [one.branch for one in found] == [A, A]


def test_roles_are_read_where_the_file_has_them() -> None:
    headings = ("姓名", "支部", "角色")
    rows = (("张伟", "A", "主讲人"), ("李娜", "A", ""), ("王芳", "A", "Guest"))
    assert [one.role for one in people(*rows, headings=headings)] == ["lecturer", None, "guest"]
    assert people(("张伟", "A", ""))[0].role is None


def test_rows_that_cannot_be_people_are_refused_with_line_and_remedy() -> None:
    rows = (
        ("", "A", ""),
        ("123", "A", ""),
        ("张伟", "", ""),
        ("李娜", "A", "12"),
        ("王芳", "A", ""),
        ("赵" * 51, "A", ""),
    )
    reading = read([sheet(("姓名", "支部", "手机"), *rows)])
    found, refused = reading.people, reading.refused
    assert [one.name for one in found] == ["王芳"]
    assert [one.line for one in refused] == [2, 3, 4, 5, 7]
    assert "姓名" in refused[0].reason
    assert "支部" in refused[2].reason
    assert "手机" in refused[3].reason
    english = read([sheet(("name", "branch"), ("", "A"))], "en").refused
    assert english[0].reason == "The name is missing; add it."


def test_every_sheet_with_headings_counts_and_is_named_in_refusals() -> None:
    one = sheet(("姓名", "支部"), ("张伟", "A"), name="镇巴")
    other = sheet(("姓名", "支部"), ("", "A"), name="西乡")
    cover = sheet(("填表说明",), name="说明")
    reading = read([cover, one, other])
    found, refused = reading.people, reading.refused
    assert [each.name for each in found] == ["张伟"]
    assert refused[0].reason.startswith("工作表「西乡」：")


def test_rows_of_several_sheets_are_told_apart_by_the_sheet_s_name() -> None:
    headings = ("姓名", "支部", "手机")
    first = sheet(headings, ("张伟", "A", "13800000000"), ("李娜", "A", ""), ("王芳", "A", "13900000000"), name="镇巴")
    other = sheet(headings, ("张伟", "A", "13800000000"), ("李娜", "A", ""), ("王芳", "B", "13900000000"), name="西乡")
    found = compare(read([first, other]).people, []).refused
    assert [one.reason.split("：")[0] for one in found] == ["工作表「西乡」"] * 3
    repeated, namesake, moved = (one.reason.split("：", 1)[1] for one in found)
    assert repeated == "与工作表「镇巴」第 2 行重复，只计一次。"
    assert namesake.startswith("工作表「镇巴」第 3 行的同一支部也有「李娜」")
    assert moved.startswith("工作表「镇巴」第 4 行也有同一手机号的「王芳」")
    (english, *_) = compare(read([first, other], "en").people, [], "en").refused
    assert english.reason == "Sheet “西乡”: Repeats line 2 of sheet “镇巴”; counted once."
    (alone,) = compare(read([sheet(headings, *[("张伟", "A", "13800000000")] * 2, name="镇巴")]).people, []).refused
    assert alone.reason == "与第 2 行重复，只计一次。"


@pytest.mark.parametrize(
    ("sheets", "reason"),
    [
        ([], "no-rows"),
        ([sheet()], "no-rows"),
        ([sheet(("张伟", "A"))], "no-name-column"),
        ([sheet(("姓名", "电话"), ("张伟", "1"))], "no-branch-column"),
    ],
)
def test_a_file_without_headings_is_no_roster(sheets: list[Sheet], reason: str) -> None:
    with pytest.raises(SheetError) as caught:
        read(sheets)
    assert caught.value.reason == reason


def preview(rows: list[Person], known: tuple[Known, ...] = ()) -> Preview:
    return compare(rows, known)


def test_new_people_are_added_and_the_same_file_again_changes_nothing() -> None:
    rows = people(("张伟", "A", "13800000000"), ("李娜", "A", ""))
    found = preview(rows)
    assert (len(found.added), found.changed, found.unchanged, found.refused) == (2, (), (), ())
    known = tuple(Known(str(at), one.name, one.branch, one.phone) for at, one in enumerate(found.added))
    again = preview(rows, known)
    assert ([each.id for each in again.unchanged], again.added, again.changed) == (["0", "1"], (), ())


def test_who_moved_to_another_branch_is_the_same_person() -> None:
    found = preview(people(("张伟", "西乡县/城关党支部", "13800000000")), (Known("1", "张伟", A, "13800000000"),))
    assert [each.id for each in found.changed] == ["1"]


def test_a_number_that_is_new_or_first_known_changes_the_person() -> None:
    rows = people(("张伟", "A", "13900000000"))
    for before in (None, "13800000000"):
        assert [each.id for each in preview(rows, (Known("1", "张伟", ("A",), before),)).changed] == ["1"]


def test_a_file_without_numbers_leaves_them_alone() -> None:
    found = preview(people(("张伟", "A", "")), (Known("1", "张伟", ("A",), "13800000000"),))
    assert [each.id for each in found.unchanged] == ["1"]


def test_a_repeated_row_is_refused_once() -> None:
    found = preview(people(("张伟", "A", "13800000000"), ("张伟", "A", "138-0000-0000")))
    assert len(found.added) == 1
    assert [(one.line, "2" in one.reason) for one in found.refused] == [(3, True)]


def test_namesakes_are_told_apart_by_number_or_refused_with_the_remedy() -> None:
    apart = preview(people(("张伟", "A", "13800000000"), ("张伟", "A", "13900000000")))
    assert len(apart.added) == 2
    twice = preview(people(("张伟", "A", ""), ("张伟", "A", "")))
    assert (len(twice.added), [one.line for one in twice.refused]) == (1, [3])
    assert "手机号" in twice.refused[0].reason
    mixed = preview(people(("张伟", "A", ""), ("张伟", "A", "13800000000")))
    assert ([one.line for one in mixed.added], [one.line for one in mixed.refused]) == ([3], [2])


def test_namesakes_of_the_roster_are_never_guessed() -> None:
    known = (Known("1", "张伟", ("A",), "13800000000"), Known("2", "张伟", ("A",), "13900000000"))
    assert [one.line for one in preview(people(("张伟", "A", "")), known).refused] == [2]
    third = preview(people(("张伟", "A", "13700000000")), known)
    assert (len(third.added), third.changed) == (1, ())


def test_one_of_two_namesakes_gets_a_number_and_the_other_stays() -> None:
    known = (Known("1", "张伟", ("A",), "13800000000"),)
    found = preview(people(("张伟", "A", "13800000000"), ("张伟", "A", "13900000000")), known)
    assert ([each.id for each in found.unchanged], len(found.added), found.changed) == (["1"], 1, ())


def test_one_number_in_two_branches_is_refused() -> None:
    found = preview(people(("张伟", "A", "13800000000"), ("张伟", "B", "13800000000")))
    assert (len(found.added), [one.line for one in found.refused]) == (1, [3])


def test_a_shared_telephone_is_allowed() -> None:
    assert len(preview(people(("张伟", "A", "13800000000"), ("李娜", "A", "13800000000"))).added) == 2
