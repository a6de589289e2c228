from __future__ import annotations

from classroom.room.audience import COUNTIES, Audience
from classroom.room.messages import County

INVITED = {
    "a": "镇巴县 / 泾洋",
    "b": "镇巴县 / 泾洋",
    "c": "镇巴县 / 永乐",
    "d": "镇巴县",
    "e": "西乡县 / 城关",
    "f": "镇巴县东 / 某支部",
    "g": "",
}


def audience() -> Audience:
    made = Audience(INVITED)
    made.count({"a": "镇巴县 / 泾洋", "e": "老支部"}, {"a", "b"}, {"e"})
    return made


def test_the_whole_by_the_branches_below_the_root() -> None:
    seen = audience().seen()
    assert (seen.connected, seen.receiving, seen.invited, seen.trouble, seen.missing) == (2, 2, 7, 1, 4)
    assert seen.counties == (
        County("", 1, 0, 0, 1),
        County("西乡县", 1, 1, 0, 0),
        County("镇巴县", 4, 1, 2, 2),
        County("镇巴县东", 1, 0, 0, 1),
    )


def test_an_organizer_sees_their_branch_and_what_is_below_it() -> None:
    seen = audience().seen("镇巴县")
    assert (seen.connected, seen.receiving, seen.invited, seen.trouble, seen.missing) == (1, 2, 4, 0, 2)
    assert seen.counties == (County("", 1, 0, 0, 1), County("永乐", 1, 0, 0, 1), County("泾洋", 2, 1, 2, 0))
    assert audience().seen("镇巴县 / 泾洋").counties == (County("", 2, 1, 2, 0),)
    assert audience().seen("没有的县").invited == 0


def test_who_is_here_and_no_more_invited_fills_nobodys_place() -> None:
    made = Audience({"a": "甲"})
    made.count({"b": "甲"}, {"b", "c"}, ())
    seen = made.seen()
    assert (seen.connected, seen.receiving, seen.missing) == (1, 2, 1)
    assert seen.counties == (County("", 0, 0, 1, 0), County("甲", 1, 1, 1, 1))


def test_of_very_many_branches_those_are_named_that_miss_most() -> None:
    made = Audience({f"m{number}": f"支部{number:03}" for number in range(COUNTIES + 9)})
    made.count({f"m{number}": "" for number in range(9)}, (), ())
    seen = made.seen()
    assert len(seen.counties) == COUNTIES
    assert seen.counties[0].branch == "支部009"
    assert seen.invited == COUNTIES + 9


def test_who_has_leave_and_is_not_here_is_excused_and_not_missing() -> None:
    made = audience()
    made.count({"a": "镇巴县 / 泾洋", "e": "老支部"}, {"a", "b"}, (), {"b", "c", "d", "stranger"})
    seen = made.seen()
    assert (seen.missing, seen.excused) == (2, 2)
    assert seen.counties[2] == County("镇巴县", 4, 1, 2, 0, 2)


def test_who_sits_before_a_sites_screen_is_here_even_while_it_is_dark() -> None:
    made = Audience(INVITED)
    made.count({"a": "镇巴县 / 泾洋"}, {"b"}, (), {"c", "d"}, gathered={"a", "b", "c", "x"})
    seen = made.seen()
    assert (seen.connected, seen.receiving, seen.missing, seen.excused) == (1, 1, 3, 1)
    assert seen.counties[2] == County("镇巴县", 4, 1, 1, 0, 1)
