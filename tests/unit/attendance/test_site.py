"""Watching together: stays that people attest, screens that are measured, and the two never counted twice."""

from __future__ import annotations

import random
from itertools import count, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.explanation import explain
from attendance.facts import (
    Beat,
    Bits,
    Body,
    Evidence,
    Fact,
    How,
    LectureMoved,
    LectureState,
    MemberConnected,
    NodeStarted,
    ReceivingBegan,
    ReceivingStopped,
    Rule,
    SiteCheckedIn,
    SiteCheckedOut,
    SiteClosed,
    SiteCounted,
    SiteOpened,
    SiteScreened,
    SlotFlowing,
)
from attendance.interval import Span, bridge, clip, subtract, total, union
from attendance.presence import BRIDGED_BELOW, Account, Presence
from attendance.report import EPOCH
from attendance.track import Kind
from attendance.verdict import Verdict, judge

S = 1_000_000
Step = tuple[float, Body]
SHARE = Rule(sign_ins=0, answered=0)


def opened(at: float = -10, site: str = "hall", host: str = "h", screen: str = "w-h") -> list[Step]:
    return [(at, SiteOpened(site, host, host)), (at, SiteScreened(site, host, screen))]


def received(
    start: float, end: float, member: str = "h", connection: str = "w-h", evidence: Evidence = Evidence.REPORTED
) -> list[Step]:
    return [
        (start, ReceivingBegan(member, connection, evidence, int(start * S))),
        (end, ReceivingStopped(member, connection, int(end * S), "closed")),
    ]


def here(start: float, end: float | None = None, member: str = "m", site: str = "hall") -> list[Step]:
    leaves: list[Step] = [] if end is None else [(end, SiteCheckedOut(member, site, int(end * S), "h"))]
    return [(start, SiteCheckedIn(member, site, How.SEARCH, "h")), *leaves]


def evening(*groups: list[Step], ends: float | None = 1000, shuffled: int | None = None) -> Presence:
    """A lecture that is live from 0 s, and shows something all the time."""
    steps: list[Step] = [
        (-100, NodeStarted()),
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        *([] if ends is None else [(ends, LectureMoved(LectureState.ENDED, "button"))]),
    ]
    steps += [step for group in groups for step in group]
    steps.sort(key=lambda step: step[0])
    facts = [Fact("party", "a", "1", number, int(at * S), body) for number, (at, body) in enumerate(steps, 1)]
    if shuffled is not None:
        facts = [*facts, *facts[::3]]
        random.Random(shuffled).shuffle(facts)
    presence = Presence()
    for fact in facts:
        presence.apply(fact)
    return presence


def together(account: Account) -> list[tuple[float, float]]:
    return [(one.start / S, one.end / S) for one in account.sessions if one.kind is Kind.COLLECTIVE]


def test_who_is_checked_in_has_watched_what_the_screen_received() -> None:
    account = evening(opened(), received(50, 900), here(100, 400)).account("m")
    assert together(account) == [(100, 400)]
    assert (account.collective, account.individual, account.receiving) == (300 * S, 0, 300 * S)
    assert account.credited == 300 * S
    assert account.share == 0.3
    assert account.first_join == 100 * S
    session = next(one for one in account.sessions if one.kind is Kind.COLLECTIVE)
    assert (session.connection, session.opened_by, session.closed_by) == ("hall", "search", "checked-out")


def test_nobody_has_watched_before_the_screen_received_or_after() -> None:
    account = evening(opened(), received(200, 300), here(100)).account("m")
    assert together(account) == [(200, 300)]
    assert account.attested == 900 * S


def test_a_screen_that_never_received_leaves_those_before_it_unmeasured() -> None:
    presence = evening(opened(), here(100, 700))
    account = presence.account("m")
    assert (account.receiving, account.credited, account.collective, account.share) == (None, None, None, None)
    judged = judge(SHARE, account, presence.counted())
    assert judged.verdict is Verdict.NOT_MEASURED
    assert "在集中收看点登记 10 分，但该点屏幕没有收看证据" in explain(judged, SHARE, account, lambda time: EPOCH, "zh")


def test_the_screen_is_nobodys_own() -> None:
    presence = evening(opened(), received(0, 900), here(0, 500, member="h"))
    host = presence.account("h")
    assert [one for one in host.sessions if one.kind is Kind.RECEIVING] == []
    assert (host.collective, host.individual, host.credited) == (500 * S, 0, 500 * S)


def test_another_members_connection_is_no_screen() -> None:
    presence = evening(
        [(-10, SiteOpened("hall", "h", "h")), (-10, SiteScreened("hall", "h", "w-x"))],
        received(0, 900, "x", "w-x"),
        here(0),
    )
    assert presence.account("m").credited is None
    assert presence.account("x").individual == 900 * S


def test_a_phone_beside_the_screen_counts_once() -> None:
    account = evening(opened(), received(0, 600), here(100, 500), received(300, 800, "m", "w-m")).account("m")
    assert (account.collective, account.individual) == (400 * S, 300 * S)
    assert account.receiving == account.credited == 700 * S
    assert account.credited_alone == 500 * S


def test_a_rule_may_leave_it_out() -> None:
    presence = evening(opened(), received(0, 1000), here(0), received(0, 100, "m", "w-m"))
    account, alone = presence.account("m"), Rule(sign_ins=0, answered=0, collective=False)
    assert judge(SHARE, account, presence.counted()).verdict is Verdict.PRESENT
    judged = judge(alone, account, presence.counted())
    assert judged.verdict is Verdict.LEFT_EARLY
    assert judged.credited == 100 * S
    assert "另有集中收看 16 分 40 秒（规则不计）" in explain(judged, alone, account, lambda time: EPOCH, "zh")


def test_the_screens_proof_is_theirs_who_sit_before_it() -> None:
    proved = received(0, 600, evidence=Evidence.PROVED)
    account = evening(opened(), proved, here(100, 500)).account("m")
    assert (account.proved, account.reported, account.credited_proved) == (400 * S, 0, 400 * S)


def test_nobody_is_at_two_sites() -> None:
    presence = evening(
        opened(),
        opened(site="school", host="k", screen="w-k"),
        received(0, 1000),
        received(0, 1000, "k", "w-k"),
        here(100),
        here(300, site="school"),
    )
    first, second = presence.sites.stays("m")
    assert (first.site, first.end, first.closed_by) == ("hall", 300 * S, "moved-site")
    assert (second.site, second.end) == ("school", None)
    assert presence.account("m").collective == 900 * S
    assert list(presence.sites.present()) == ["school"]


def test_closing_a_site_sends_everybody_home_and_opening_it_again_brings_nobody_back() -> None:
    again: list[Step] = [(500.0, SiteClosed("hall", 500 * S, "h")), (600.0, SiteOpened("hall", "h", "h"))]
    presence = evening(opened(), received(0, 1000), here(100), again)
    (stay,) = presence.sites.stays("m")
    assert (stay.end, stay.closed_by) == (500 * S, "site-closed")
    assert presence.sites.is_open("hall")
    assert presence.sites.hours("hall") == [(-10 * S, 500 * S), (600 * S, None)]


def test_a_closed_site_takes_nobody() -> None:
    closed: list[Step] = [(500, SiteClosed("hall", 500 * S, "h"))]
    assert evening(opened(), received(0, 1000), closed, here(600)).account("m").credited == 0


def test_what_was_counted_last_holds() -> None:
    presence = evening(opened(), [(10, SiteCounted("hall", 12, "h")), (20, SiteCounted("hall", 11, "s1"))])
    heads = presence.sites.heads("hall")
    assert heads is not None
    assert (heads.heads, heads.by) == (11, "s1")


def test_a_crash_ends_what_the_screen_received_and_nobodys_stay() -> None:
    counter = count(1)
    presence = Presence()

    def tell(boot: str, at: float, *bodies: Body) -> None:
        for body in bodies:
            presence.apply(Fact("party", "a", boot, next(counter), int(at * S), body))

    tell("1", 0, NodeStarted(), LectureMoved(LectureState.LIVE, "button"), SlotFlowing("lecturer", "dean"))
    tell("1", 0, *(body for _, body in opened(0)), MemberConnected("h", "c-h"))
    tell("1", 0, ReceivingBegan("h", "w-h", Evidence.REPORTED, 0), SiteCheckedIn("m", "hall", How.QR, "m"))
    tell("1", 100, Beat({"w-h": int(Bits.REPORTED), "c-h": int(Bits.CONNECTED)}))
    tell("2", 130, NodeStarted(), SlotFlowing("lecturer", "dean"), SiteScreened("hall", "h", "w-2"))
    tell("2", 132, ReceivingBegan("h", "w-2", Evidence.REPORTED, 132 * S))
    standing = presence.standing("m", 150 * S)
    assert (standing.site, standing.receiving) == ("hall", True)
    tell("2", 200, Beat({"w-2": int(Bits.REPORTED)}), LectureMoved(LectureState.ENDED, "button"))
    account = presence.account("m")
    assert together(account) == [(0, 100), (132, 200)]
    assert account.denominator == 170 * S  # the half minute that nobody served is ours
    assert account.share == 1.0  # the two seconds until the screen was back are bridged


def test_live_a_member_at_a_site_receives_what_its_screen_does() -> None:
    steps: list[Step] = [(0, ReceivingBegan("h", "w-h", Evidence.PROVED, 0))]
    presence = evening(opened(), here(100), steps, ends=None)
    standing = presence.standing("m", 160 * S)
    assert (standing.connected, standing.receiving, standing.proved, standing.site) == (False, True, True, "hall")
    assert standing.credited == 60 * S
    assert presence.together() == {"m"}
    host = presence.standing("h", 160 * S)
    assert (host.receiving, host.credited, host.site) == (False, 0, None)


times = st.integers(0, 300)
visits = st.lists(st.tuples(times, times).map(sorted), max_size=4)


@settings(deadline=None)
@given(visits, visits, visits, visits, st.integers(0, 5))
def test_no_instant_counts_twice(
    stays: list[list[int]], others: list[list[int]], screen: list[list[int]], own: list[list[int]], seed: int
) -> None:
    groups = [opened(), opened(site="school", host="k", screen="w-k0")]
    groups += [here(start, end) for start, end in stays] + [here(start, end, site="school") for start, end in others]
    for number, (start, end) in enumerate(screen):
        groups += [received(start, end, "h", f"w{number}"), [(-5, SiteScreened("hall", "h", f"w{number}"))]]
        groups += [received(start, end, "k", f"k{number}"), [(-5, SiteScreened("school", "k", f"k{number}"))]]
    groups += [received(start, end, "m", f"m{number}") for number, (start, end) in enumerate(own)]
    presence = evening(*groups, ends=250)
    account, counted = presence.account("m"), presence.counted()
    assert evening(*groups, ends=250, shuffled=seed).account("m") == account
    assert account.share is None or account.share <= 1
    found = presence.sites.stays("m")
    assert all(one.end is None or one.end <= next_.start for one, next_ in pairwise(found))
    if account.receiving is None:
        return
    assert account.collective is not None
    assert account.individual is not None
    assert account.individual + account.collective == account.receiving
    assert account.receiving <= (account.credited or 0)
    assert (account.credited_alone or 0) <= (account.credited or 0)
    # The same by the definitions, another way.
    shown = union((start * S, end * S) for start, end in screen)
    together = clip(union((one.start, 250 * S if one.end is None else one.end) for one in found), shown)
    alone = union((start * S, end * S) for start, end in own)
    whole = union(alone, together)
    assert account.collective == total(clip(together, counted.spans))
    assert account.individual == total(clip(subtract(alone, together), counted.spans))
    bridged = clip(union(whole, bridge(whole, BRIDGED_BELOW, counted.forgiven)), counted.spans)
    assert account.credited == total(bridged)
    assert all(Span(one.start, one.end) for one in account.sessions)
