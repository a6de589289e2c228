"""No page breaks the policy that it is served with, and none speaks to anybody but the service."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.browser.conftest import Hall, Tab, eventually

LISTEN = """
window.__violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


def watched(tab: Tab) -> set[str]:
    """The hosts that this tab speaks to from here on."""
    hosts: set[str] = set()
    tab.page.context.add_init_script(LISTEN)
    tab.page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    tab.page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    return hosts


def test_pages_keep_to_their_policy_and_to_the_service(hall: Hall) -> None:
    service = urlsplit(hall.service.url).netloc
    lecturer, member = hall.tab(hall.lecture.of("lecturer")), hall.tab(hall.lecture.members[0])
    seen = [(lecturer, watched(lecturer)), (member, watched(member))]
    for tab, _ in seen:
        assert tab.link is not None
        tab.page.goto(tab.link.url)
        tab.at("join-enter").click()
    lecturer.at("studio-start").click()
    member.plays("lecturer")
    member.at("chat-input").fill("老师好")
    member.at("chat-send").click()
    lecturer.says("老师好")
    eventually(lambda: "1" in lecturer.at("studio-viewers").inner_text(), what="the channel goes both ways")
    for tab, hosts in seen:
        assert hosts - {""} == {service}
        assert tab.page.evaluate("window.__violations") == []
