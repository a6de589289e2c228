"""The member's pages in every state, as a scripted room puts them there: what is said and shown, letters and targets
large enough, nothing grave for axe in either language (looks.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import eventually
from tests.browser.looks import Look
from tests.browser.scripted_room import CODE, ME, at


def test_before_the_lecture(look: Callable[..., Look]) -> None:
    """Who am I, how long still, what is recorded; the test of sound and network, well and not."""
    it = look(state="lobby", starts=900.0)
    it.open(enter=False)
    expect(it.at("join-name")).to_have_text(ME["name"])
    expect(it.at("join-state")).to_contain_text("距开始 14:")
    it.check("join-lobby")
    it.at("check-start").click()
    expect(it.at("check-network")).to_have_attribute("data-verdict", "good")
    it.at("check-unheard").click()
    it.check("join-tested")
    it.page.evaluate("window.__relay.sever()")
    it.at("check-again").click()
    expect(it.at("check-network")).to_have_attribute("data-verdict", "refused")
    it.page.evaluate("window.__relay.mend()")
    it.at("join-enter").click()
    expect(it.at("room-video-lecturer-card")).to_contain_text("距开始 14:")
    it.check("room-lobby")


def test_links_that_open_nothing(look: Callable[..., Look]) -> None:
    for reason in ("ticket-expired", "bad-ticket", "lecture-over", "lecture-full"):
        it = look()
        it.room.refused = {"type": reason, "status": 503 if reason == "lecture-full" else 401, "title": "—"}
        it.open(enter=False)
        expect(it.at("refused-reason")).to_contain_text(reason)
        it.check(f"refused-{reason}")
    it = look()
    it.open(enter=False)
    it.at("join-not-me").click()
    expect(it.at("notice")).to_contain_text("没有计入任何人的时长")
    it.check("not-me")
    over = look(state="ended")
    over.open(enter=False)
    expect(over.at("join-over")).to_be_visible()
    over.check("join-over")


def test_without_a_link(look: Callable[..., Look]) -> None:
    """The lecture's code, a name, four digits; and then as with a link."""
    it = look()
    it.open(f"/j?code={CODE['code']}", enter=False)
    expect(it.at("code-code")).to_have_value(CODE["code"])
    it.at("code-name").fill(CODE["name"])
    it.at("code-digits").fill("00a00")
    it.at("code-enter").click()
    expect(it.at("code-refused")).to_contain_text("没有找到")
    it.check("by-code")
    it.at("code-digits").fill("４３２１")
    it.at("code-enter").click()
    expect(it.at("join-name")).to_have_text(ME["name"])
    it.at("join-enter").click()
    expect(it.at("room-me")).to_be_visible()


def test_a_browser_that_cannot_play(look: Callable[..., Look]) -> None:
    it = look()
    it.context.add_init_script("delete window.RTCPeerConnection")
    it.open(enter=False)
    expect(it.at("join-enter")).to_have_count(0)
    expect(it.page.locator("#own-link")).to_have_value("http://localhost:9/j#ticket-of-zhang-wei")
    it.check("join-other-browser")
    (told,) = it.room.told
    assert (told["ticket"], told["cause"]) == ("ticket-of-zhang-wei", "no-webrtc")
    assert "Chrome" in told["detail"]


def test_layouts_follow_the_room_and_no_video_is_made_anew(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    expect(it.at("room-video-lecturer-card")).to_contain_text("暂时没有画面")
    it.check("room-empty")
    it.live()
    expect(it.at("counted")).to_contain_text("已计时 42 分钟")
    it.page.evaluate("window.__videos = [...document.querySelectorAll('.place video')]")
    it.check("room-live")

    it.room.show(it.page, "screen", "live")
    it.room.stage("screen")
    it.uncovered("screen")
    expect(it.at("room-stage")).to_have_attribute("data-main", "screen")
    it.check("room-screen")
    it.at("room-zoom").click()
    it.at("room-zoom").click()
    assert "scale(2.25)" in it.page.evaluate("document.querySelector('[data-slot=screen] video').style.transform")
    it.at("room-pan").press("ArrowRight")
    it.check("room-zoomed", axe=False)

    on = {
        "name": "李秀兰",
        "branch": "泾洋街道",
        "title": "我在苏州的三年",
        "since": at(),
        "until": at(300),
        "lost": False,
    }
    it.room.show(it.page, "guest", "expected")
    it.room.stage("side-by-side", on, "周强")
    expect(it.at("room-video-guest-card")).to_contain_text("李秀兰")
    it.check("room-guest-expected")
    it.room.show(it.page, "guest", "live")
    it.uncovered("guest")
    expect(it.at("stage-line")).to_contain_text("我在苏州的三年")
    assert abs(it.box("room-video-lecturer")["width"] - it.box("room-video-guest")["width"]) < 4
    it.check("room-side-by-side")
    it.room.stage("guest", on | {"until": at(30)})
    expect(it.at("room-stage")).to_have_attribute("data-main", "guest")
    it.check("room-guest-large")
    it.room.show(it.page, "guest", "lost")
    expect(it.at("room-video-guest-card")).to_contain_text("画面中断，正在等待恢复")
    it.check("room-guest-lost")
    it.at("room-tap-lecturer").click()
    expect(it.at("room-stage")).to_have_attribute("data-main", "lecturer")
    it.room.stage("lecturer")
    it.room.show(it.page, "lecturer", "lost")
    expect(it.at("room-video-lecturer-card")).to_contain_text("王建国")
    it.check("room-lecturer-lost")
    assert it.page.evaluate("window.__videos.every((one, at) => one === document.querySelectorAll('.place video')[at])")
    assert it.page.evaluate("window.__relay.answered") == 1


def test_the_discussion(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    it.check("chat-empty", axe=False)
    first = it.room.say("刘洋", "三个人在一起看 <script>alert(1)</script>")
    it.room.say("赵敏", "资料在 https://dangxiao.example/zl?a=1。javascript:alert(1)", role="host")
    last = it.room.say("陈静", "收到", reply={"id": first, "name": "刘洋", "text": "三个人在一起看"})
    link = it.at("chat-lines").get_by_role("link")
    expect(link).to_have_count(1)
    expect(link).to_have_text("https://dangxiao.example/zl?a=1")
    assert "noopener" in link.get_attribute("rel")
    it.room.broadcast(
        type="pinned", text="今晚八点四十签到一次，请不要离开；签到后请各支部书记汇总本支部的到课情况。", by="赵敏"
    )
    expect(it.at("chat-pinned")).to_be_visible()
    it.at("chat-line").nth(2).locator("header").click()
    it.at("chat-reply").nth(2).click()
    it.at("chat-input").fill("好的")
    it.check("chat-answering")
    it.at("chat-send").click()
    it.page.wait_for_timeout(200)
    said = [one for one in it.room.heard if one["type"] == "chat"][-1]
    assert (said["text"], said["reply"]) == ("好的", last)

    refusal = {"reason": "chat-too-fast", "text": "发言太快了，请稍等几秒再发。", "fatal": False}
    it.room.tell(type="error", key=said["key"], **refusal)
    expect(it.at("problem")).to_contain_text("太快")
    expect(it.at("chat-input")).to_have_value("好的")  # not lost

    for number in range(20):
        it.room.say(f"学员{number}", "说一点自己的体会。")
    it.at("chat-lines").evaluate("element => { element.scrollTop = 0 }")
    it.page.wait_for_timeout(200)
    it.room.say("周强", "新的一条")
    unread, face = it.box("chat-unread"), it.box("room-video-lecturer")
    beside, below = unread["x"] >= face["x"] + face["width"], unread["y"] >= face["y"] + face["height"]
    assert beside or below  # never over the lecturer's face
    it.check("chat-unread")
    it.at("tab-ask").click()
    it.room.say("周强", "又一条")
    expect(it.at("badge-chat")).to_be_visible()
    it.at("tab-chat").click()
    it.at("chat-unread").click()
    expect(it.at("chat-unread")).to_have_count(0)
    gone = it.room.say(ME["name"], "这句会被删掉", branch=ME["branch"])
    expect(it.page.get_by_text("这句会被删掉")).to_be_visible()
    it.room.broadcast(type="chat-deleted", id=gone)
    expect(it.page.get_by_text("这句会被删掉")).to_have_count(0)

    it.room.broadcast(type="talk-rules", muted=True, slow=0)
    expect(it.at("chat-closed")).to_contain_text("全员静听")
    it.room.broadcast(type="talk-rules", muted=False, slow=30)
    expect(it.at("chat-hint")).to_contain_text("每 30 秒")
    it.room.say(ME["name"], "说一句", branch=ME["branch"])
    expect(it.at("chat-closed")).to_contain_text("秒后可以再发一条")
    it.check("chat-slow")
    it.room.tell(type="muted", muted=True)
    expect(it.at("chat-closed")).to_contain_text("您暂时不能发言")
    it.check("chat-muted", axe=False)


def test_lines_that_the_network_held_are_said_one_after_the_other(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    texts = ["第一句", "第二句", "第三句"]
    for text in texts:  # into a socket that answers no more
        it.at("chat-input").fill(text)
        it.at("chat-send").click()
    it.room.more = {"rules": {"type": "talk-rules", "seq": 0, "muted": False, "slow": 5}}
    before = len(it.room.heard)
    it.room.drop()
    it.room.answering = True

    def said_again() -> list[dict[str, Any]]:
        it.page.wait_for_timeout(200)
        return [one for one in it.room.heard[before:] if one["type"] == "chat"]

    eventually(said_again)
    it.page.wait_for_timeout(3_000)
    assert [one["text"] for one in said_again()] == texts[:1]
    it.room.say(ME["name"], texts[0], branch=ME["branch"], key=said_again()[0]["key"])
    expect(it.page.get_by_text("等待发送")).to_have_count(2)
    expect(it.at("chat-closed")).to_contain_text("2 条正在依次发送")
    it.check("chat-waits")
    it.page.wait_for_timeout(2_500)
    assert len(said_again()) == 1
    eventually(lambda: len(said_again()) == 2)
    refusal = {"reason": "chat-slow", "text": "已开启慢速发言，请过一会儿再发。", "fatal": False}
    it.room.tell(type="error", key=said_again()[1]["key"], **refusal)
    eventually(lambda: [one["text"] for one in said_again()] == [*texts[:2], texts[1]])
    expect(it.at("problem")).to_have_count(0)


def test_questions_polls_and_hands(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    question = {"id": "q1", "name": "刘洋", "branch": "泾洋街道", "text": "组织关系要不要转？", "at": at()}
    it.room.broadcast(type="question", question=question | {"state": "published"})
    expect(it.at("badge-ask")).to_contain_text("1")
    it.at("tab-ask").click()
    it.at("ask-input").fill("能不能互认？")
    it.at("ask-send").click()
    own = question | {"id": "q2", "name": ME["name"], "branch": ME["branch"], "text": "能不能互认？", "state": "asked"}
    it.room.tell(type="asked", questions=[own])
    it.room.broadcast(type="question", question=question | {"id": "q3", "state": "answered"})
    expect(it.at("question")).to_have_count(3)
    assert [one["text"] for one in it.room.heard if one["type"] == "ask"] == ["能不能互认？"]
    it.check("questions")

    it.at("tab-chat").click()
    poll = {"id": "p1", "question": "今年参加过几次？", "options": ["一到三次", "四次以上"], "multiple": False}
    poll |= {"open": True, "results": [120, 310], "voters": 430}
    it.room.broadcast(type="poll", poll=poll)
    it.check("poll-call")
    it.at("poll-call").click()
    it.at("poll-option").nth(1).check()
    it.check("poll-open")
    it.at("poll-vote").click()
    it.room.tell(type="voted", poll="p1", choices=[1])
    expect(it.at("poll-result").nth(1)).to_contain_text("310 票 · 72%")
    it.at("poll-change").click()
    expect(it.at("poll-option").nth(1)).to_be_checked()
    it.room.broadcast(type="poll", poll=poll | {"open": False, "results": [120, 311], "voters": 431})
    expect(it.at("poll-result").nth(1)).to_contain_text("311 票")
    it.check("poll-closed")

    it.at("hand").click()
    it.room.tell(type="hand", up=True, position=3)
    expect(it.at("hand")).to_contain_text("已举手 · 第 3 位")
    it.check("hand")
    it.at("hand").click()
    it.page.wait_for_timeout(200)
    assert [one["up"] for one in it.room.heard if one["type"] == "hand"] == [True, False]


def test_a_sign_in_cannot_be_missed(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    it.room.tell(type="sign-in", id="s1", until=at(60), answered=False)
    expect(it.at("sign-in")).to_be_visible()
    expect(it.at("sign-in-left")).to_contain_text("00:5")
    it.page.keyboard.press("Escape")
    it.page.keyboard.press("Escape")
    it.check("sign-in")
    it.at("sign-in-here").click()
    it.page.wait_for_timeout(200)
    assert [one["id"] for one in it.room.heard if one["type"] == "signed"] == ["s1"]
    it.room.tell(type="sign-in", id="s1", until=at(55), answered=True)
    expect(it.at("sign-in")).to_contain_text("签到成功")
    it.check("signed")
    expect(it.at("sign-in")).to_be_hidden(timeout=6_000)
    it.room.tell(type="sign-in", id="s2", until=at(1.5), answered=False)
    expect(it.at("sign-in")).to_contain_text("本次签到已结束", timeout=4_000)
    it.check("sign-in-missed", axe=False)
    it.at("sign-in-close").click()
    expect(it.at("sign-in")).to_be_hidden()


def test_sound_without_pictures_and_a_slow_network(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    it.room.tell(type="picture", session="session-1", slot="lecturer", level="reduced")
    expect(it.at("room-level")).to_contain_text("已为您切换到流畅画面")
    it.check("level-reduced")
    it.room.tell(type="picture", session="session-1", slot="lecturer", level="audio-only")
    expect(it.at("room-video-lecturer-card")).to_contain_text("仅有声音")  # no frozen face
    it.check("level-audio-only", axe=False)
    it.room.tell(type="picture", session="session-1", slot="lecturer", level="full")
    it.uncovered("lecturer")
    it.at("room-sound-only").click()
    expect(it.at("room-level")).to_have_attribute("data-level", "wished")
    expect(it.at("room-video-lecturer-card")).to_contain_text("仅有声音")
    it.page.wait_for_function("() => window.__relay.offers.at(-1).includes('m=audio')")
    assert "m=video" not in it.page.evaluate("window.__relay.offers.at(-1)")
    it.check("sound-only")
    it.page.reload()
    expect(it.at("room-level")).to_have_attribute("data-level", "wished")  # the place is not lost


def test_the_connection_goes_and_comes_back(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    it.room.drop()
    expect(it.at("counted")).to_contain_text("正在重连", timeout=5_000)
    expect(it.at("trouble")).to_contain_text("正在自动重连", timeout=8_000)
    it.check("away")
    expect(it.at("trouble-call")).to_contain_text("请联系本支部组织员", timeout=12_000)
    it.check("away-long", axe=False)
    it.room.answering = True
    it.at("trouble-retry").click()
    expect(it.at("trouble")).to_have_count(0)
    it.page.evaluate("window.__relay.sever()")
    expect(it.at("trouble")).to_be_visible(timeout=8_000)  # named after five seconds
    it.room.tell(type="counted", receiving=False, counted_ms=42 * 60_000, since=at(-3), reason="no-media")
    expect(it.at("counted")).to_contain_text("起未计时，正在重连")
    it.check("media-away")
    it.page.evaluate("window.__relay.mend()")
    it.at("trouble-retry").click()
    it.uncovered("lecturer")
    it.room.move("interrupted")
    expect(it.at("room-interrupted")).to_contain_text("请不要离开")
    it.check("interrupted")
    it.room.tell(type="counted", receiving=False, counted_ms=84 * 60_000, since=at(), reason="ended")
    it.room.move("ended")
    expect(it.at("room-over")).to_contain_text("1 小时 24 分钟")
    it.check("over")


def test_the_tab_and_the_draft_outlive_a_reload(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    it.at("tab-ask").click()
    it.at("ask-input").fill("写到一半的问题")
    it.page.reload()
    expect(it.at("room-me")).to_have_text(ME["name"])
    expect(it.at("ask-input")).to_have_value("写到一半的问题")


def test_english(look: Callable[..., Look]) -> None:
    """The same states in the other language: longer words, and still room for them."""
    it = look()
    it.open("/j?lang=en#ticket-of-zhang-wei")
    it.live()
    it.room.say("刘洋", "Hello")
    it.room.tell(type="hand", up=True, position=12)
    poll = {"id": "p1", "question": "How often?", "options": ["Never", "Often"], "multiple": True, "open": True}
    it.room.broadcast(type="poll", poll=poll | {"results": [0, 0], "voters": 0})
    expect(it.at("hand")).to_contain_text("no. 12")
    it.check("english-live")
    it.at("poll-call").click()
    it.check("english-poll")
    it.room.tell(type="sign-in", id="s1", until=at(60), answered=False)
    it.check("english-sign-in")


def test_back_does_not_lose_the_place(look: Callable[..., Look]) -> None:
    """A phone's "back" is easily touched: once is a word, twice the card, from which one tap leads in again."""
    it = look()
    it.open()
    it.live()
    it.page.go_back()
    expect(it.at("room-leaving")).to_contain_text("再按一次")
    expect(it.at("room-me")).to_be_visible()
    it.uncovered("lecturer")
    it.page.go_back()
    it.at("join-enter").click()
    expect(it.at("room-me")).to_be_visible()
    it.uncovered("lecturer")


def test_on_a_shared_computer_nobody_takes_the_last_ones_place(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    other = it.room.open("/room")  # another tab: this person, or the next one at the desk
    expect(other.get_by_test_id("join-name")).to_have_text(ME["name"])
    other.close()
    it.at("room-not-me").click()
    expect(it.page.get_by_text("请使用您本人的链接")).to_be_visible()
    it.check("not-me-in-the-room", axe=False)


def test_the_next_guest_does_not_speak_with_the_last_ones_face(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    it.room.stage("guest")
    it.room.show(it.page, "guest", "live")
    it.uncovered("guest")
    it.page.evaluate("window.__relay.show('guest', false)")  # the last frame stays
    it.room.broadcast(type="slot", **it.room.slots["guest"] | {"name": "周建国", "member": "m9"})
    expect(it.at("room-video-guest-card")).to_contain_text("周建国")
    it.page.wait_for_timeout(600)
    expect(it.at("room-video-guest-card")).to_be_visible()
    it.page.evaluate("window.__relay.show('guest', true)")
    it.uncovered("guest")


def test_a_call_counts_down_by_the_services_clock(look: Callable[..., Look]) -> None:
    it = look()
    it.open()
    it.live()
    call = {"part": "called", "slot": "guest", "by": "赵主任", "title": "", "minutes": 3, "until": None, "reason": None}
    it.room.tell(type="part", deadline=at(21), **call)
    expect(it.at("part-call-left")).to_contain_text("20 秒")
    it.check("called", axe=False)


def test_a_full_lecture_is_said_without_flicker(look: Callable[..., Look]) -> None:
    it = look()
    it.open(enter=False)
    it.page.evaluate("window.__relay.refuse({status: 503, type: 'relay-restarting', title: '媒体服务正在重启'})")
    it.at("join-enter").click()
    expect(it.at("trouble")).to_be_visible()
    gone = """async () => {
      let missing = 0;
      for (let look = 0; look < 60; look += 1) {
        if (!document.querySelector('[data-testid=trouble]')) missing += 1;
        await new Promise((done) => setTimeout(done, 50));
      }
      return missing;
    }"""
    assert it.page.evaluate(gone) == 0  # while the page tries again and again
