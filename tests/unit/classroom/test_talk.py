from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classroom.room.actions import Broadcast, CloseViewers, Complain, Dismiss, Keep
from classroom.room.inputs import Ordered, Received
from classroom.room.journal import Asked, Attempted, PollEnded, Said, Withheld
from classroom.room.messages import Close, Resumed, Snapshot
from classroom.room.messages_stage import RaiseHand
from classroom.room.messages_talk import (
    Ask,
    Bar,
    Chat,
    ChatDeleted,
    ClosePoll,
    Delete,
    MoveQuestion,
    Mute,
    MuteAll,
    Muted,
    OpenPoll,
    Order,
    Pin,
    Pinned,
    PollChanged,
    QuestionMoved,
    QuestionsAsked,
    Say,
    SetWords,
    Slow,
    TalkRules,
    Vote,
    Voted,
)
from tests.unit.classroom.talking import SECOND, Talking, kept, only, person, replayed, said, told


def test_a_line_reaches_everybody_and_is_kept() -> None:
    talking = Talking("host-1", "member-1")
    actions = talking.say("member-1", Say("大家好", "k"))
    (line,) = said(actions, Chat)
    assert (line.id, line.name, line.text, line.key) == ("c1", "名member-1", "大家好", "k")
    assert kept(actions, Said) == [Said("c1", "member-1", "名member-1", "镇巴县", "member", "大家好", "k")]
    assert talking.snapshot().chat == (line,)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("chat", Say("这是坏话")),
        ("ask", Ask("坏\u200b话？")),
        ("pin", Pin("坏 话")),
        ("poll-open", OpenPoll("坏话？", ("是", "否"))),
        ("poll-open", OpenPoll("问", ("是", "坏话"))),
    ],
)
def test_a_word_of_the_list_is_said_nowhere_and_the_trail_knows_who_tried(action: str, message: Any) -> None:
    talking = Talking("host-1")
    talking.say("host-1", SetWords(("坏话",)))
    assert talking.refused("host-1", message) == "chat-word"
    withheld = talking.journal[-1]
    assert isinstance(withheld.entry, Withheld)
    assert (withheld.by, withheld.entry.action, withheld.entry.name) == ("host-1", action, "名host-1")
    snapshot = talking.snapshot()
    assert (snapshot.chat, snapshot.polls, snapshot.pinned.text) == ((), (), None)


def test_options_of_a_poll_are_looked_at_one_by_one() -> None:
    talking = Talking("host-1")
    talking.say("host-1", SetWords(("坏话",)))
    assert said(talking.say("host-1", OpenPoll("哪个字？", ("坏", "话"))), PollChanged)


def test_who_is_muted_writes_neither_lines_nor_questions_wherever_they_come_back() -> None:
    talking = Talking("host-1", "member-1", "member-2")
    talking.say("member-1", Say("一"))
    actions = talking.say("host-1", Mute(True, said="c1"))
    assert told(actions, Muted, "member-1") == [Muted(True)]
    assert [each.muted[0].name for each in told(actions, Order)] == ["名member-1"]
    for message in (Say("二"), Ask("为什么？")):
        assert talking.refused("member-1", message) == "muted"
    assert said(talking.say("member-2", Say("三")), Chat)
    assert told(talking.join("member-1", "phone"), Muted) == [Muted(True)]
    assert told(talking.join("member-2", "phone"), Muted) == []
    assert told(talking.say("host-1", Mute(False, member="member-1")), Muted) == [Muted(False)] * 2
    assert said(talking.say("member-1", Say("四")), Chat)


def test_while_all_are_muted_the_host_writes_and_members_ask() -> None:
    talking = Talking("host-1", "member-1")
    assert said(talking.say("host-1", MuteAll(True)), TalkRules) == [TalkRules(said_seq(talking), True, 0)]
    assert talking.refused("member-1", Say("好")) == "all-muted"
    assert kept(talking.say("member-1", Ask("为什么？")), object)
    assert said(talking.say("host-1", Say("请听")), Chat)
    assert talking.snapshot().rules.muted


def said_seq(talking: Talking) -> int:
    return talking.room.seq


def test_slow_mode_keeps_to_the_rule_that_muting_all_left() -> None:
    talking = Talking("host-1", "member-1")
    talking.say("host-1", Slow(60))
    talking.say("host-1", MuteAll(True))
    talking.say("host-1", MuteAll(False))
    assert said(talking.say("member-1", Say("一")), Chat)
    assert talking.refused("member-1", Say("二"), after=30 * SECOND) == "chat-slow"
    assert said(talking.say("host-1", Say("三")), Chat)
    assert said(talking.say("host-1", Say("四")), Chat)
    assert said(talking.say("member-1", Say("二"), after=60 * SECOND), Chat)


def test_what_waited_at_another_node_is_paced_by_when_it_was_said() -> None:
    talking = Talking("host-1", *(f"member-{number}" for number in range(20)))
    talking.say("host-1", Slow(10))
    outage = talking.now

    def held(name: str, message: Any, at: int) -> list[Any]:
        return talking.feed(Received(f"c-{name}", message, outage + at * SECOND))

    talking.now += 60 * SECOND
    lines = 0
    for at in range(0, 60, 10):  # more together than a room hears at once
        for number in range(20):
            lines += len(said(held(f"member-{number}", Say("断线时"), at), Chat))
    assert lines == 120
    assert [each.reason for each in only(held("member-1", Say("太快"), 59), Complain)] == ["chat-slow"]
    for at in (0, 20, 40):
        assert kept(held("member-1", Ask("为什么？"), at), Asked)
    for at in range(0, 60, 5):
        assert not only(held("member-2", RaiseHand(at % 10 == 0), at), Complain)
    assert not only(held("member-3", Say("时钟快了"), 90), Complain)
    assert only(talking.say("member-3", Say("太快"), after=9 * SECOND), Complain)
    assert said(talking.say("member-3", Say("好"), after=1 * SECOND), Chat)


def test_who_is_barred_is_gone_with_all_they_had_and_says_nothing_more() -> None:
    talking = Talking("host-1", "member-1", "member-2")
    talking.join("member-1", "phone")
    talking.say("member-1", Ask("为什么？"))
    actions = talking.say("host-1", Bar(True, said="q1"))
    gone = only(actions, Dismiss)
    assert {each.connection for each in gone} == {"c-member-1", "c-member-1phone"}
    assert {(each.code, each.reason) for each in gone} == {(Close.BARRED, "barred")}
    assert only(actions, CloseViewers) == [CloseViewers(frozenset(("member-1",)))]
    assert talking.say("member-1", Say("还在")) == []
    talking.leave("member-1")
    assert only(talking.join("member-1"), Dismiss) == [Dismiss("c-member-1", Close.BARRED, "barred")]
    again = talking.anew()
    assert again.room.talk.barred("member-1")
    assert only(again.join("member-1"), Dismiss)
    again.join("host-1")
    again.say("host-1", Bar(False, member="member-1"))
    assert told(again.join("member-1"), Snapshot)


def test_a_person_who_is_not_here_and_wrote_nothing_cannot_be_pointed_at() -> None:
    talking = Talking("host-1", "member-1")
    for message in (Mute(True, member="member-7"), Bar(True, said="c9"), Mute(True, said="q1")):
        assert talking.refused("host-1", message) == "no-such-person"
    assert talking.refused("host-1", Bar(True, member="host-1")) == "not-them"


def test_who_returns_is_not_told_what_was_deleted_meanwhile_in_any_form() -> None:
    talking = Talking("host-1", "member-1", "member-2")
    talking.say("member-1", Say("坏话在此"))
    talking.say("member-2", Say("什么？", reply="c1"))
    talking.say("member-2", Say("好"))
    actions = talking.say("host-1", Delete("c1"))
    assert [each.id for each in said(actions, ChatDeleted)] == ["c1"]
    back = talking.join("member-2", "phone", last=0)
    assert told(back, Resumed)
    text = replayed(back)
    assert "坏话" not in text
    frames = [msgspec.json.decode(frame) for each in back if hasattr(each, "frames") for frame in each.frames]
    assert [frame["seq"] for frame in frames] == list(range(1, talking.room.seq + 1))
    assert [frame["type"] for frame in frames if frame.get("id") == "c1"] == ["chat-deleted", "chat-deleted"]
    (answer,) = [frame for frame in frames if frame.get("id") == "c2"]
    assert answer["reply"] == {"id": "c1", "name": "名member-1", "text": ""}
    assert talking.snapshot().deleted == ("c1",)
    assert talking.say("host-1", Delete("c1")) == []


def test_a_room_that_moved_to_another_node_forgets_what_was_deleted_there_too() -> None:
    talking = Talking("host-1", "member-1")
    frames = [each.frame for each in only(talking.say("member-1", Say("坏话在此")), Broadcast)]
    frames += [each.frame for each in only(talking.say("host-1", Delete("c1")), Broadcast)]
    frames += [each.frame for each in only(talking.say("member-1", Say("好")), Broadcast)]
    first = talking.room.seq - len(frames)
    moved = talking.anew()
    moved.room.resume(first, frames)
    back = moved.join("member-1", last=first)
    assert "坏话" not in replayed(back)
    assert "好" in replayed(back)
    moved.join("host-1")
    moved.say("host-1", Delete("c2"))
    assert "好" not in replayed(moved.join("member-2", last=first))


def test_questions_go_their_way_past_the_host() -> None:
    talking = Talking("host-1", "member-1", "member-2")
    actions = talking.say("member-1", Ask("为什么？", "k"))
    assert not said(actions, QuestionMoved)
    assert [each.questions[0].text for each in told(actions, QuestionsAsked, "member-1")] == ["为什么？"]
    assert not told(actions, QuestionsAsked, "member-2")
    assert told(talking.tick(), QuestionsAsked, "host-1")
    assert told(talking.join("member-1", "phone"), QuestionsAsked)
    assert not told(talking.join("member-2", "phone"), QuestionsAsked)
    actions = talking.say("host-1", MoveQuestion("q1", "published"))
    assert said(actions, QuestionMoved)[0].question.text == "为什么？"
    assert told(actions, QuestionsAsked, "member-1") == [QuestionsAsked(())] * 2
    assert [each.id for each in talking.snapshot().questions] == ["q1"]
    assert talking.say("member-1", Ask("为什么？", "k")) == []


def test_a_question_that_is_taken_back_is_told_to_nobody_who_returns() -> None:
    talking = Talking("host-1", "member-1")
    talking.say("member-1", Ask("坏话在此？"))
    frames = [each.frame for each in only(talking.say("host-1", MoveQuestion("q1", "published")), Broadcast)]
    frames += [each.frame for each in only(talking.say("host-1", MoveQuestion("q1", "answered")), Broadcast)]
    first = talking.room.seq - len(frames)
    assert "坏话" in replayed(talking.join("member-2", last=first))
    (moved,) = said(talking.say("host-1", MoveQuestion("q1", "dismissed")), QuestionMoved)
    assert (moved.question.id, moved.question.state, moved.question.text) == ("q1", "dismissed", "")
    back = replayed(talking.join("member-3", last=first))
    assert back.count('"type":"question"') == 3
    assert "坏话" not in back
    elsewhere = talking.anew()
    elsewhere.room.resume(first, frames)
    assert "坏话" not in replayed(elsewhere.join("member-2", last=first))


def test_a_thousand_votes_within_seconds_are_a_few_broadcasts() -> None:
    names = [f"member-{number}" for number in range(1_000)]
    talking = Talking("host-1", *names)
    talking.say("host-1", OpenPoll("几点？", ("七点", "八点")))
    shown: list[PollChanged] = []
    for number, name in enumerate(names):
        shown += said(talking.say(name, Vote("p1", (number % 2,)), after=3_000), PollChanged)
        if number % 33 == 0:
            shown += said(talking.tick(after=0), PollChanged)
    shown += said(talking.tick(), PollChanged)
    assert 3 <= len(shown) <= 5
    assert shown[-1].poll.results == (500, 500)
    assert told(talking.join("member-3", "phone"), Voted) == [Voted("p1", (1,))]
    assert told(talking.anew().join("member-3"), Voted) == [Voted("p1", (1,))]


def test_polls_end_with_the_lecture_and_then_nobody_says_anything() -> None:
    talking = Talking("host-1", "member-1")
    talking.say("host-1", OpenPoll("几点？", ("七点", "八点")))
    talking.say("member-1", Vote("p1", (1,)))
    actions = talking.feed(Ordered("end", "staff"))
    assert [(each.poll.open, each.poll.results) for each in said(actions, PollChanged)] == [(False, (0, 1))]
    assert kept(actions, PollEnded) == [PollEnded("p1")]
    for message in (Say("好"), Ask("为什么？"), Vote("p1", (0,))):
        assert talking.refused("member-1", message) == "lecture-over"


def test_a_notice_is_pinned_for_who_comes_later() -> None:
    talking = Talking("host-1")
    assert said(talking.say("host-1", Pin("资料\n在群里")), Pinned) == [
        Pinned(said_seq(talking), "资料 在群里", "名host-1")
    ]
    assert talking.snapshot().pinned.text == "资料 在群里"
    talking.say("host-1", Pin(None))
    assert talking.snapshot().pinned == Pinned(0, None, None)


@pytest.mark.parametrize(
    "message",
    [
        Delete("c1"),
        Pin("x"),
        MoveQuestion("q1", "published"),
        Mute(True, said="c1"),
        MuteAll(True),
        Slow(5),
        Bar(True, member="member-2"),
        SetWords(("x",)),
        OpenPoll("x", ("a", "b")),
        ClosePoll("p1"),
    ],
)
def test_a_member_who_tries_to_keep_order_is_refused_and_named_a_few_times(message: Any) -> None:
    talking = Talking("host-1", "member-1", "member-2")
    attempts = 0
    for _ in range(20):
        actions = talking.say("member-1", message, after=100_000)
        assert only(actions, Complain) == [Complain("c-member-1", "role-may-not")]
        attempts += len(kept(actions, Attempted))
    assert attempts == 5
    assert talking.journal[0].by == "member-1"


def test_whoever_acts_without_end_is_stopped_but_not_those_who_keep_order() -> None:
    talking = Talking("host-1", "member-1")
    talking.say("host-1", OpenPoll("几点？", ("七点", "八点")))
    for number in range(20):
        talking.say("member-1", Vote("p1", (number % 2,)), after=0)
    assert talking.refused("member-1", Vote("p1", (0,)), after=0) == "too-fast"
    for number in range(50):
        assert not only(talking.say("host-1", MuteAll(number % 2 == 0), after=0), Complain)
    assert told(talking.say("member-1", Vote("p1", (0,)), after=SECOND), Voted)


# --- a room built anew -----------------------------------------------------------------------------------------------

HOSTS = ("host-1", "lecturer-1", "operator-1")
MEMBERS = ("member-1", "member-2", "member-3", "guest-1")
TEXTS = st.text(min_size=1, max_size=30) | st.sampled_from(["坏话", "大家好", "为什么？", "https://example.org"])
KEYS = st.none() | st.sampled_from(["k1", "k2"])
LINES = st.sampled_from(["c1", "c1", "c2", "c3", "c9"])
QUESTIONS = st.sampled_from(["q1", "q1", "q2", "q9"])
POLLS = st.sampled_from(["p1", "p1", "p2", "p9"])
POINTED = st.one_of(
    st.tuples(LINES | QUESTIONS, st.none()), st.tuples(st.none(), st.sampled_from((*MEMBERS, *HOSTS, "member-9")))
)
SAY = st.builds(Say, TEXTS, KEYS, st.none() | LINES)
VOTE = st.builds(Vote, POLLS, st.sampled_from([(0,), (1,), (1, 0), (2,)]))
OPEN = st.builds(OpenPoll, TEXTS, st.sampled_from([("一", "二"), ("一", "二", "三"), ("一", "一")]), st.booleans())
BY_ANYBODY = st.one_of(SAY, SAY, st.builds(Ask, TEXTS, KEYS), VOTE, VOTE)
BY_HOSTS = st.one_of(
    st.builds(Delete, LINES),
    st.builds(Delete, LINES),
    st.builds(Pin, st.none() | TEXTS),
    st.builds(MoveQuestion, QUESTIONS, st.sampled_from(["published", "answered", "dismissed"])),
    st.builds(lambda on, it: Mute(on, *it), st.booleans(), POINTED),
    st.builds(lambda on, it: Bar(on, *it), st.booleans(), POINTED),
    st.builds(MuteAll, st.sampled_from([True, False, False])),
    st.builds(Slow, st.sampled_from([0, 0, 5])),
    st.builds(SetWords, st.sampled_from([(), ("坏话",), ("坏 话", "x")])),
    OPEN,
    OPEN,
    st.builds(ClosePoll, POLLS),
    st.builds(ClosePoll, POLLS),
)
LATER = st.integers(0, 30)
STEPS = st.lists(
    st.tuples(st.sampled_from(MEMBERS), BY_ANYBODY, LATER)
    | st.tuples(st.sampled_from(MEMBERS), BY_ANYBODY, LATER)
    | st.tuples(st.sampled_from(HOSTS), BY_HOSTS, LATER),
    min_size=20,
    max_size=80,
)


def seen(talking: Talking) -> dict[str, Any]:
    """All that pages may be told of what was said, without the room's numbers."""
    snapshot = talking.snapshot()
    state: dict[str, Any] = {
        "chat": [msgspec.structs.replace(line, seq=0) for line in snapshot.chat],
        "deleted": snapshot.deleted,
        "pinned": msgspec.structs.replace(snapshot.pinned, seq=0),
        "rules": msgspec.structs.replace(snapshot.rules, seq=0),
        "questions": snapshot.questions,
        "polls": snapshot.polls,
    }
    for name in (*HOSTS, *MEMBERS):
        state[name] = talking.room.talk.greet(person(name), talking.now), talking.room.talk.barred(name)
    return state


@given(STEPS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_room_built_anew_from_its_journal_is_the_same_room(steps: list[tuple[str, Any, int]]) -> None:
    talking = Talking(*HOSTS, *MEMBERS)
    for name, message, later in steps:
        talking.now += later * SECOND
        talking.feed(Received(f"c-{name}", message))
        if talking.room.crowd.get(f"c-{name}") is None:
            talking.join(name)
        talking.tick(0)
    assert [journaled.number for journaled in talking.journal] == list(range(1, len(talking.journal) + 1))
    again = talking.anew()
    assert seen(again) == seen(talking)
    for name, message, _ in steps[-20:]:  # and it goes on alike
        for each in (talking, again):
            each.now += 60 * SECOND
            for one in (*HOSTS, *MEMBERS):  # whoever is here can be pointed at
                if each.room.crowd.get(f"c-{one}") is None:
                    each.join(one)
        assert entries(talking.say(name, message)) == entries(again.say(name, message))


def entries(actions: list[Any]) -> list[Any]:
    return [(each.number, each.by, each.entry) for each in actions if isinstance(each, Keep)]


def test_a_refusal_names_what_it_refuses() -> None:
    """Several lines may be on their way: the page must know which of them comes back."""
    talking = Talking("member-1")
    for number in range(5):
        talking.say("member-1", Say("好", f"line-{number}"), after=0)
    (complaint,) = only(talking.say("member-1", Say("好", "line-5"), after=0), Complain)
    assert (complaint.reason, complaint.key) == ("chat-too-fast", "line-5")
    talking.say("member-1", Ask("何时开课？", "q1"), after=0)
    (complaint,) = only(talking.say("member-1", Ask("还有呢？", "q2"), after=0), Complain)
    assert complaint.key == "q2"
    (complaint,) = only(talking.say("member-1", MuteAll(True)), Complain)
    assert complaint.key is None
