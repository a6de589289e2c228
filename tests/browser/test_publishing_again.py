"""The lecturer's tab is reloaded in mid-lecture: players go on by themselves, with no reload and no new offer."""

from __future__ import annotations

from tests.browser.conftest import Hall, eventually


def test_players_resume_when_the_lecturer_comes_back(hall: Hall) -> None:
    lecturer = hall.lecturer()
    members = [hall.member(0), hall.member(1)]
    for member in members:
        member.plays("lecturer")
        member.page.evaluate("window.__same = true")
    lecturer.page.on("dialog", lambda dialog: dialog.accept())
    lecturer.page.reload()
    eventually(lambda: lecturer.outbound(), what="the studio sends again, by itself")
    for member in members:
        member.plays("lecturer")
        assert member.offers() == 1
        assert member.page.evaluate("window.__same") is True
