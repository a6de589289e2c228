from __future__ import annotations

import datetime

from attendance.explanation import duration, explain, percent, rule_sentence
from attendance.extent import Outage
from attendance.facts import Evidence, Leave, Rule
from attendance.presence import Account, Failure
from attendance.verdict import Block, Gap, Judgement, Verdict

M = 60_000_000
CHINA = datetime.timezone(datetime.timedelta(hours=8))
ACCOUNT = Account(
    "m", 0, 71 * M, None, 71 * M, 71 * M, None, 90 * M, 0, 0, None, None, [], [], [Failure(0, "no-udp", "")], []
)  # fmt: skip
JUDGED = Judgement(
    Verdict.INCOMPLETE, (Block.SHARE,), 71 * M + 12_345_678, 90 * M, (71 * M + 12_345_678) / (90 * M), None, None,
    (Gap(42 * M, 58 * M, False),), 2, 3, 2,
)  # fmt: skip


def at(time: int) -> datetime.datetime:
    return datetime.datetime(2026, 11, 22, 19, tzinfo=CHINA) + datetime.timedelta(microseconds=time)


def test_a_member_reads_what_their_minutes_rest_on() -> None:
    account = Account("m", 0, 71 * M, 0, 0, 71 * M, 0, 0, 0, 0, None, None, [], [], [], [])
    assert (
        explain(JUDGED, Rule(), account, at, "zh")
        == "收看 71 分 12 秒（应到 90 分，79.1%，要求 80%）；19:42–19:58 断线；签到 2/3"
    )
    assert (
        explain(JUDGED, Rule(), account, at, "en")
        == "Received 71 min 12 s (of 90 min, 79.1%, 80% demanded); 19:42–19:58 not connected; signed in 2/3"
    )


def test_late_and_early_and_every_other_reason_is_named() -> None:
    judged = Judgement(
        Verdict.LATE, (Block.SHARE, Block.SIGN_INS, Block.ENTRY), 30 * M, 90 * M, 1 / 3, 15 * M, 80 * M,
        (Gap(42 * M, 43 * M, True),), 0, 3, 2,
    )  # fmt: skip
    assert explain(judged, Rule(entry=10), ACCOUNT, at, "zh") == (
        "收看 30 分（应到 90 分，33.3%，要求 80%）；19:15 进入（要求开播后 10 分钟内）；"
        "19:42:00–19:43:00 在线但未收到画面声音；20:20 离开；签到 0/3（要求 2）；进入失败 1 次"
    )


def test_who_came_without_the_personal_link_is_said() -> None:
    account = Account("m", 0, 0, 0, 0, 0, 0, 0, 0, 0, None, None, [], [], [], [], by_code=True)
    assert explain(JUDGED, Rule(), account, at, "zh").endswith("；凭课堂代码进入过")


def test_what_was_not_measured_says_why() -> None:
    judged = Judgement(Verdict.NOT_MEASURED, (), None, 90 * M, None, None, None, (), 0, 0, 0)
    proofs = Rule(evidence=Evidence.PROVED)
    assert explain(judged, proofs, ACCOUNT, at, "zh").startswith("未测得：播放器没有回报接收证明（仅接收报告 71 分）")
    nothing = Account("m", 60 * M, None, None, None, None, None, 90 * M, 0, 0, None, None, [], [], [], [])
    assert explain(judged, proofs, nothing, at, "zh") == "未测得：没有可用的证据"


def test_leave_stands_beside_the_figures() -> None:
    absent = Account("m", 0, 0, 0, 0, 0, 0, 90 * M, 0, 0, None, None, [], [], [], [])
    judged = Judgement(Verdict.EXCUSED, (), 0, 90 * M, 0.0, None, None, (), 0, 0, 0, Leave.DUTY)
    assert explain(judged, Rule(), absent, at, "zh") == "未收看（应到 90 分）；请假（公务）"
    assert explain(judged, Rule(), absent, at, "en") == "Received nothing (of 90 min); has leave (duty)"


def test_what_was_our_fault_is_named_and_deducted() -> None:
    account = Account("m", 0, 71 * M, 0, 0, 71 * M, 0, 0, 0, 0, None, None, [], [], [], [])
    outages = [Outage(42 * M, 44 * M, "service"), Outage(43 * M, 44 * M, "relay"), Outage(60 * M, 60 * M + 7, "relay")]
    assert explain(JUDGED, Rule(), account, at, "zh", outages[:2]).endswith("；我方故障 19:42–19:44 已扣除；签到 2/3")
    assert "; our outage 19:42–19:44 deducted; " in explain(JUDGED, Rule(), account, at, "en", outages)
    many = [Outage(minute * M, (minute + 2) * M + minute, "relay") for minute in range(0, 50, 10)]
    assert "我方故障 19:20–19:22、19:30–19:32、19:40–19:42 等 5 次 已扣除" in explain(
        JUDGED, Rule(), account, at, "zh", many
    )
    nothing = Judgement(Verdict.NOT_MEASURED, (), None, None, None, None, None, (), 0, 0, 0)
    unknown = Account("m", 60 * M, None, None, None, None, None, 90 * M, 0, 0, None, None, [], [], [], [])
    assert explain(nothing, Rule(), unknown, at, "zh", outages) == "未测得：没有可用的证据"


def test_many_gaps_are_counted_and_the_longest_named() -> None:
    gaps = tuple(Gap(minute * M, (minute + 2) * M + minute, False) for minute in range(0, 40, 4))
    judged = Judgement(Verdict.INCOMPLETE, (Block.SHARE,), M, 90 * M, 1 / 90, None, None, gaps, 0, 0, 0)
    text = explain(judged, Rule(), ACCOUNT, at, "zh")
    assert text.count("断线") == 6
    assert "中断共 10 次" in text
    assert "19:36–19:38" in text


def test_a_rule_is_a_sentence() -> None:
    assert rule_sentence(Rule(), "zh") == (
        "收看不少于应收看时长的 80%（以接收证明或接收报告计）；"
        "随机签到 3 次，至少应答 2 次（实际签到次数不同的按同样比例）；集中收看计入。"
    )
    short = Rule(Evidence.PROVED, 0, 0, 0, 15)
    assert (
        rule_sentence(short, "zh") == "收看过（以接收证明计）；开播后 15 分钟内进入（我方故障时间不计）；集中收看计入。"
    )
    assert (
        rule_sentence(short, "en")
        == "Received (proved); came within 15 minutes of the start (our outages not counted); watching together counts."
    )


def test_nothing_looks_better_than_it_was() -> None:
    assert percent(0.79999) == "79.9%"
    assert percent(0.8) == "80.0%"
    assert percent(1.0) == "100.0%"
    assert duration(59_999_999, "zh") == "0 分 59 秒"
    assert duration(3 * M, "en") == "3 min"
