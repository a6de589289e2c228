"""Sentences for people, Chinese and English: what a rule demands, and what a verdict rests on.

Durations are cut to seconds and shares to a tenth of a per cent, so that none looks better than it was.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from attendance.correction import Correction
from attendance.extent import Outage
from attendance.facts import Evidence, Rule
from attendance.interval import Span, union
from attendance.presence import Account
from attendance.verdict import Gap, Judgement
from attendance.words import Language, meaning

GAPS_NAMED = 6
"""Of more, the longest are named and the rest counted."""
OUTAGES_NAMED = 3
SECOND = 1_000_000
SHORT = 120_000_000
"""µs: a shorter gap is named to the second."""

Clock = Callable[[int], datetime.datetime]
"""µs → an aware time in the reader's zone."""


def rule_sentence(rule: Rule, language: Language) -> str:
    """The whole rule in one sentence."""
    parts = [_share_demanded(rule, language)]
    if rule.sign_ins:
        parts.append(
            _say(
                language,
                f"随机签到 {rule.sign_ins} 次，至少应答 {rule.answered} 次（实际签到次数不同的按同样比例）",
                f"asked to sign in {rule.sign_ins} times, {rule.answered} answers at least (or as great a part)",
            )
        )
    if rule.entry is not None:
        parts.append(
            _say(
                language,
                f"开播后 {rule.entry} 分钟内进入（我方故障时间不计）",
                f"came within {rule.entry} minutes of the start (our outages not counted)",
            )
        )
    parts.append(
        _say(language, "集中收看计入", "watching together counts")
        if rule.collective
        else _say(language, "集中收看不计入", "watching together does not count")
    )
    return "；".join(parts) + "。" if language == "zh" else "; ".join(parts).capitalize() + "."


def _share_demanded(rule: Rule, language: Language) -> str:
    proved = rule.evidence is Evidence.PROVED
    if language == "zh":
        evidence = "以接收证明计" if proved else "以接收证明或接收报告计"
        return f"收看不少于应收看时长的 {rule.share}%（{evidence}）" if rule.share else f"收看过（{evidence}）"
    evidence = "proved" if proved else "proved or reported"
    return (
        f"received {rule.share} % of the counted time at least ({evidence})" if rule.share else f"received ({evidence})"
    )


def explain(
    judgement: Judgement,
    rule: Rule,
    account: Account,
    at: Clock,
    language: Language,
    outages: Sequence[Outage] = (),
) -> str:
    """What the verdict rests on: the share, when the member came and left, what broke off between, what was our fault,
    the sign-ins. `outages`: the lecture's."""
    parts = [_received(judgement, rule, account, language), *_together(rule, account, language)]
    if judgement.entered is not None:
        parts.append(_say(language, f"{at(judgement.entered):%H:%M} 进入", f"came {at(judgement.entered):%H:%M}"))
        if rule.entry is not None:
            parts[-1] += _say(language, f"（要求开播后 {rule.entry} 分钟内）", f" ({rule.entry} min demanded)")
    if len(judgement.gaps) > GAPS_NAMED:
        longest = sorted(judgement.gaps, key=lambda gap: gap.start - gap.end)[:GAPS_NAMED]
        parts += [_gap(gap, at, language) for gap in sorted(longest, key=lambda gap: gap.start)]
        parts.append(_say(language, f"中断共 {len(judgement.gaps)} 次", f"{len(judgement.gaps)} gaps in all"))
    else:
        parts += [_gap(gap, at, language) for gap in judgement.gaps]
    if judgement.left is not None:
        parts.append(_say(language, f"{at(judgement.left):%H:%M} 离开", f"left {at(judgement.left):%H:%M}"))
    ours = [span for span in union((one.start, one.end) for one in outages) if span.end - span.start >= SECOND]
    if ours and account.credited:
        parts.append(_deducted(ours, at, language))
    if judgement.asked:
        parts.append(_signed(judgement, language))
    if judgement.leave is not None:
        leave = meaning(judgement.leave.value, language)
        parts.append(_say(language, f"请假（{leave}）", f"has leave ({leave})"))
    if account.by_code:
        parts.append(_say(language, "凭课堂代码进入过", "came by the lecture's code"))
    if account.failed:
        parts.append(_say(language, f"进入失败 {len(account.failed)} 次", f"failed attempts: {len(account.failed)}"))
    return ("；" if language == "zh" else "; ").join(parts)


def corrected(correction: Correction, measured: Judgement, by: str, at: Clock, language: Language) -> str:
    """What somebody found instead of what was measured. `by`: a name, "" from the command line. The reason, which may
    be deleted one day, stands elsewhere."""
    verdict, before = meaning(correction.verdict.value, language), meaning(measured.verdict.value, language)
    given = "" if correction.credited is None else duration(correction.credited, language)
    if language == "zh":
        minutes = f"，计入 {given}" if given else ""
        who = by or "管理员"
        return f"{who}于 {at(correction.at):%m-%d %H:%M} 更正为“{verdict}”{minutes}（测得：{before}）"
    minutes = f", {given} credited" if given else ""
    return f"Corrected to {verdict}{minutes} by {by or 'an operator'}, {at(correction.at):%m-%d %H:%M} (was {before})"


def _received(judgement: Judgement, rule: Rule, account: Account, language: Language) -> str:
    if judgement.share is None or judgement.denominator is None:
        if account.credited is None and account.attested:
            attested = duration(account.attested, language)
            return _say(
                language,
                f"未测得：在集中收看点登记 {attested}，但该点屏幕没有收看证据",
                f"Not measured: checked in at a site for {attested}, whose screen gave no evidence",
            )
        if account.credited is not None and rule.evidence is Evidence.PROVED:
            unproved = duration(account.credited, language)
            return _say(
                language,
                f"未测得：播放器没有回报接收证明（仅接收报告 {unproved}）",
                f"Not measured: the player echoed no proofs ({unproved} reported)",
            )
        return _say(language, "未测得：没有可用的证据", "Not measured: there is no evidence")
    whole = duration(judgement.denominator, language)
    if not account.credit(Evidence.REPORTED, rule.collective):
        return _say(language, f"未收看（应到 {whole}）", f"Received nothing (of {whole})")
    credited, share = duration(judgement.credited or 0, language), percent(judgement.share)
    if language == "zh":
        proved = "（有接收证明）" if rule.evidence is Evidence.PROVED else ""
        return f"收看{proved} {credited}（应到 {whole}，{share}，要求 {rule.share}%）"
    proved = ", proved," if rule.evidence is Evidence.PROVED else ""
    return f"Received{proved} {credited} (of {whole}, {share}, {rule.share}% demanded)"


def _deducted(spans: list[Span], at: Clock, language: Language) -> str:
    """Ours, whatever the cause: it counts for nobody."""
    longest = sorted(spans, key=lambda span: span.start - span.end)[:OUTAGES_NAMED]
    separator = "、" if language == "zh" else ", "
    named = separator.join(_span(*span, at) for span in sorted(longest))
    if len(spans) > len(longest):
        named += _say(language, f" 等 {len(spans)} 次", f" and others, {len(spans)} in all")
    return _say(language, f"我方故障 {named} 已扣除", f"our outage {named} deducted")


def _span(start: int, end: int, at: Clock) -> str:
    form = "%H:%M:%S" if end - start < SHORT else "%H:%M"
    return f"{at(start).strftime(form)}–{at(end).strftime(form)}"


def _together(rule: Rule, account: Account, language: Language) -> list[str]:
    """What of it was watched together; which who was there attests."""
    if not account.collective:
        return []
    time = duration(account.collective, language)
    if rule.collective:
        return [_say(language, f"其中集中收看 {time}（由收看点确认）", f"{time} of it together, attested by the site")]
    return [
        _say(language, f"另有集中收看 {time}（规则不计）", f"{time} together besides, which the rule does not count")
    ]


def _gap(gap: Gap, at: Clock, language: Language) -> str:
    span = _span(gap.start, gap.end, at)
    if gap.connected:
        return _say(language, f"{span} 在线但未收到画面声音", f"{span} connected, received nothing")
    return _say(language, f"{span} 断线", f"{span} not connected")


def _signed(judgement: Judgement, language: Language) -> str:
    said = _say(
        language,
        f"签到 {judgement.answered}/{judgement.asked}",
        f"signed in {judgement.answered}/{judgement.asked}",
    )
    if judgement.answered >= judgement.demanded:
        return said
    return said + _say(language, f"（要求 {judgement.demanded}）", f" ({judgement.demanded} demanded)")


def _say(language: Language, chinese: str, english: str) -> str:
    return english if language == "en" else chinese


def duration(time: int, language: Language) -> str:
    """µs as minutes and seconds, cut to seconds."""
    minutes, seconds = divmod(time // 1_000_000, 60)
    if language == "zh":
        return f"{minutes} 分 {seconds} 秒" if seconds else f"{minutes} 分"
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def percent(share: float) -> str:
    """Cut to a tenth."""
    return f"{int(share * 1000 + 1e-6) / 10:.1f}%"
