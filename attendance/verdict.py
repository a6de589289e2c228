"""The verdict on one member by a lecture's rule, with all that it rests on; sentences are made of it elsewhere.

Theory of operation. Each building block of the rule is met or not. Who meets all is *present*. Who does not is called
by what failed: whoever came after the latest entry is *late*; where the share is too small, the greatest part of what
is missing decides, before the first reception (*late*), after the last (*left early*) or between (*incomplete*); where
only sign-ins are missing, *incomplete*. Whoever never received anything is *absent*; whoever could not be measured by
the evidence that the rule demands is *not measured*, which is none of these. Who is none of them but present, and has
leave, is *excused*; the figures stand all the same.

Answers are demanded in the same part of what a member was really asked as the rule demands of what it asks, to the
nearest: of 3 of which 2 are demanded, 1 of one, 1 of two, 3 of four.
"""

from __future__ import annotations

import enum

import msgspec

from attendance.extent import Counted
from attendance.facts import Evidence, Leave, Rule
from attendance.facts import Verdict as Verdict
from attendance.interval import Span, clip, gaps, subtract, total, union
from attendance.presence import BRIDGED_BELOW, Account
from attendance.track import Kind

MINUTE = 60_000_000
WORTH_SAYING = MINUTE
"""µs of counted time missed before the first or after the last reception that an explanation names."""


class Block(enum.StrEnum):
    """A building block of the rule."""

    SHARE = "share"
    SIGN_INS = "sign-ins"
    ENTRY = "entry"


class Gap(msgspec.Struct, frozen=True):
    """Nothing was received, and it counts (µs, UTC). `connected`: the page was there for most of it."""

    start: int
    end: int
    connected: bool


class Judgement(msgspec.Struct, frozen=True):
    """Times in µs. `credited` and `share` are by the evidence that the rule demands, with what was watched together
    where the rule lets that count; None is not measured. `entered`
    and `left` are given where a minute or more that counts lies before or after. `demanded`: answers. `leave`: whether
    or not the verdict needs it."""

    verdict: Verdict
    unmet: tuple[Block, ...]
    credited: int | None
    denominator: int | None
    share: float | None
    entered: int | None
    left: int | None
    gaps: tuple[Gap, ...]
    answered: int
    asked: int
    demanded: int
    leave: Leave | None = None


def judge(rule: Rule, account: Account, counted: Counted, leave: Leave | None = None) -> Judgement:
    """By what is known up to now, whether or not the lecture is over."""
    credited = account.credit(rule.evidence, rule.collective)
    whole = account.credit(Evidence.REPORTED, rule.collective)
    share = account.share_by(rule.evidence, rule.collective)
    kinds = {Kind.RECEIVING, Kind.COLLECTIVE} if rule.collective else {Kind.RECEIVING}
    received = union((one.start, one.end) for one in account.sessions if one.kind in kinds)
    received = [span for span in received if counted.extent is not None and clip([span], [counted.extent])]
    answered, asked = _answers(account, counted)
    demanded = _demanded(rule, asked)
    head = total(subtract(counted.spans, [Span(received[0].start, _LATEST)])) if received else 0
    tail = total(subtract(counted.spans, [Span(_EARLIEST, received[-1].end)])) if received else 0
    unmet: list[Block] = []
    if share is None or not whole or not counted.denominator:
        verdict = Verdict.NOT_MEASURED if share is None else Verdict.ABSENT
    else:
        if 100 * (credited or 0) < rule.share * counted.denominator:
            unmet.append(Block.SHARE)
        if answered < demanded:
            unmet.append(Block.SIGN_INS)
        if rule.entry is not None and head > rule.entry * MINUTE:
            unmet.append(Block.ENTRY)
        between = counted.denominator - whole - head - tail
        verdict = _verdict(unmet, head, tail, between)
    if leave is not None and verdict is not Verdict.PRESENT:
        verdict = Verdict.EXCUSED
    return Judgement(
        verdict=verdict,
        unmet=tuple(unmet),
        credited=credited,
        denominator=account.denominator,
        share=share,
        entered=received[0].start if head >= WORTH_SAYING else None,
        left=received[-1].end if tail >= WORTH_SAYING else None,
        gaps=_gaps(received, account, counted),
        answered=answered,
        asked=asked,
        demanded=demanded,
        leave=leave,
    )


_EARLIEST, _LATEST = 0, 2**62


def _verdict(unmet: list[Block], head: int, tail: int, between: int) -> Verdict:
    if not unmet:
        return Verdict.PRESENT
    if Block.ENTRY in unmet:
        return Verdict.LATE
    if Block.SHARE not in unmet or between >= max(head, tail):
        return Verdict.INCOMPLETE
    return Verdict.LATE if head >= tail else Verdict.LEFT_EARLY


def _answers(account: Account, counted: Counted) -> tuple[int, int]:
    """Answered and asked; a sign-in whose window, as it really was, is still open, or was cut off by the end of the
    lecture, counts only where it was answered."""
    end = 0 if counted.extent is None else counted.extent.end
    asked = [one for one in account.sign_ins if one.answered is not None or one.until <= end]
    return sum(one.answered is not None for one in asked), len(asked)


def _demanded(rule: Rule, asked: int) -> int:
    return (2 * asked * rule.answered + rule.sign_ins) // (2 * rule.sign_ins) if rule.sign_ins else 0


def _gaps(received: list[Span], account: Account, counted: Counted) -> tuple[Gap, ...]:
    found: list[Gap] = []
    connected: list[Span] | None = None
    for gap in gaps(received):
        missed = clip([gap], counted.spans)
        if total(missed) < BRIDGED_BELOW:
            continue
        if connected is None:
            connected = union((one.start, one.end) for one in account.sessions if one.kind is Kind.CONNECTED)
        found.append(Gap(gap.start, gap.end, 2 * total(clip(missed, connected)) >= total(missed)))
    return tuple(found)
