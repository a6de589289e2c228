"""A sign-in from the host's button over a member's page to the export, and the verdict that it leads to."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Hall, eventually


def exported(hall: Hall, number: int) -> dict[str, Any]:
    link = hall.lecture.members[number]
    members: list[dict[str, Any]] = hall.service.attendance(hall.lecture)["members"]
    return next(one for one in members if (one["name"], one["branch"]) == (link.name, link.branch))


def test_a_member_who_is_called_answers_and_it_stands_in_the_export(hall: Hall) -> None:
    rule = {"evidence": "proved", "share": 0, "sign_ins": 3, "answered": 2}  # a lecture of seconds: any share will do
    set_ = hall.service.rest("PUT", f"/api/lectures/{hall.lecture.id}/rule", {"version": 1, "rule": rule})
    assert set_["version"] == 2
    lecturer = hall.lecturer()
    member, other = hall.member(0), hall.member(1)
    member.plays("lecturer")
    other.plays("lecturer")
    lecturer.at("studio-tab-more").click()
    lecturer.at("sign-in-call").click()
    member.at("sign-in-here").click()
    eventually(lambda: member.at("sign-in").get_attribute("data-state") == "answered", what="the answer was heard")
    eventually(lambda: "1" in (lecturer.at("sign-in-progress").text_content() or ""), what="the host sees it")
    member.page.reload()  # what is answered is not asked again
    member.plays("lecturer")
    assert member.at("sign-in").is_hidden()
    answered = exported(hall, 0)["sign_ins"]
    assert [(one["id"], one["answered"] is not None) for one in answered] == [("c1", True)]
    assert [(one["id"], one["answered"]) for one in exported(hall, 1)["sign_ins"]] == [("c1", None)]
    other.page.reload()  # what is open is
    other.at("sign-in-here").click()
    eventually(lambda: exported(hall, 1)["sign_ins"][0]["answered"], what="the second answer is stored")
    hall.service.command("lecture", "end", hall.lecture.id, "--json")
    found = exported(hall, 0)
    assert found["verdict"] == "present"
    assert found["explanation"].startswith("收看（有接收证明）")
    assert "签到 1/1" in found["explanation"]
