from __future__ import annotations

import random

import pytest

from attendance.comparison import NAMED, Compared, compare, same

HEAD = ["支部", "姓名", "计入时长", "编号"]
ROWS = [HEAD, ["洋县", "张伟", "1:30:00", "m1"], ["洋县", "李娜", "0:05:00", "m2"]]
BY = {"人员": ["编号"]}


def differences(file: list[list[str]], ledger: list[list[str]] = ROWS) -> Compared:
    return compare({"人员": file}, {"人员": ledger}, BY, "（已删除）")


def test_the_order_of_rows_and_columns_says_nothing() -> None:
    rows = [[row[3], row[1], row[0], row[2]] for row in (HEAD, *ROWS[:0:-1])]
    assert differences(rows) == Compared()
    random.Random(1).shuffle(rows[1:])
    assert differences([*rows, ["", "", "", ""]]) == Compared()


def test_a_cell_that_differs_is_named_in_words() -> None:
    found = differences([HEAD, ["洋县", "张伟", "1:29:00", "m1"], ROWS[2]])
    assert found.count == 1
    (one,) = found.differences
    assert one.sentence("zh") == "“人员” 洋县 张伟，计入时长：文件中是“1:29:00”，账本算出的是“1:30:00”"
    assert one.sentence("en") == "人员 · 洋县 张伟, 计入时长: the file says “1:29:00”, the ledger “1:30:00”"


def test_rows_on_one_side_only_are_told() -> None:
    found = differences([HEAD, ROWS[1], ["洋县", "赵六", "1:00:00", "m3"]])
    assert [one.sentence("zh") for one in found.differences] == [
        "“人员” 洋县 李娜：文件中缺少这一行",
        "“人员” 洋县 赵六：账本中没有这一行",
    ]
    assert [one.sentence("en") for one in found.differences] == [
        "人员 · 洋县 李娜: is missing in the file",
        "人员 · 洋县 赵六: is not in the ledger",
    ]


def test_rows_that_are_told_apart_by_nothing_are_counted() -> None:
    assert differences([*ROWS, ROWS[2]]).count == 1
    assert differences([*ROWS, ROWS[2]], [*ROWS, ROWS[2]]) == Compared()


def test_columns_and_sheets_of_one_side_are_left_out_and_named() -> None:
    file = [[*row, note] for row, note in zip(ROWS, ("备注", "电话已核", ""), strict=True)]
    found = compare({"人员": file, "我的表": []}, {"人员": ROWS, "说明": [["项目"]]}, BY, "（已删除）")
    assert found.count == 0
    assert set(found.left_out) == {"人员: 备注", "我的表", "说明"}


def test_who_was_erased_since_speaks_not_against_the_file() -> None:
    ledger = [HEAD, ["洋县", "（已删除）", "1:30:00", "m1"], ROWS[2]]
    assert differences(ROWS, ledger) == Compared()
    assert differences([HEAD, ["洋县", "张伟", "1:00:00", "m1"], ROWS[2]], ledger).count == 1


def test_of_many_the_first_are_named() -> None:
    ledger = [HEAD, *(["洋县", f"学员{n}", "1:30:00", f"m{n}"] for n in range(50))]
    found = differences([HEAD], ledger)
    assert (found.count, len(found.differences)) == (50, NAMED)


@pytest.mark.parametrize(
    ("left", "right", "whether"),
    [
        ("0.8000", "0.8", True),
        ("0.8000", "0.8001", False),
        ("1:30:00", "1:30:00.000400", True),
        ("1 day, 1:30:00", "25:30:00", True),
        ("1:30:00", "1:30:01", False),
        ("张伟", "张 伟", False),
        ("nan", "nan", True),
        ("未测得", "0", False),
        ("", "0", False),
    ],
)
def test_what_reads_the_same(left: str, right: str, whether: bool) -> None:
    assert same(left, right) is whether
