"""A lecture of a hundred seconds that every export is tested with."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from attendance.chain import sign
from attendance.facts import (
    AppearanceEnded,
    Body,
    Evidence,
    Fact,
    How,
    JoinFailed,
    Leave,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    MemberExcused,
    NodeStarted,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    Rule,
    RuleFrozen,
    RuleSet,
    SignInAnswered,
    SignInAsked,
    SiteCheckedIn,
    SiteClosed,
    SiteCounted,
    SiteOpened,
    SiteScreened,
    SlotFlowing,
)
from attendance.presence import Presence
from attendance.report import Reading, Report, compose
from attendance.roster import BranchPath, Invitation, Member, Role
from attendance.site import Site

S = 1_000_000
START = 1_763_985_600 * S  # 2025-11-24 20:00:00 in China

BODIES: list[tuple[float, Body]] = [
    (-60, NodeStarted()),
    (0, LectureMoved(LectureState.LIVE, "button")),
    (0, SlotFlowing("lecturer", "dean")),
    (0, RuleFrozen(Rule(), 1)),
    (2, MemberConnected("m1", "c1")),
    (3.25, ReceivingBegan("m1", "w1", Evidence.REPORTED, START + 3_250_000)),
    (5, MemberConnected("m2", "c2")),
    (9, JoinFailed("m2", "no-udp", "=1+1")),
    (30, SignInAsked("m1", "r1", START + 60 * S)),
    (33, SignInAnswered("m1", "r1")),
    (42, OutageBegan("relay", START + 40 * S)),
    (44, OutageEnded("relay")),
    (45, SlotFlowing("lecturer", "dean")),
    (46, ReceivingBegan("m1", "w2", Evidence.REPORTED, START + 46 * S)),
    (50, SignInAsked("m1", "r2", START + 80 * S)),
    (70, MemberDisconnected("m2", "c2", START + 70 * S, "closed")),
    (90, AppearanceEnded("m1", "dean", START + 60 * S, START + 88 * S, 1)),
    (98, ReceivingStopped("m1", "w2", START + 97_999_000, "closed")),
    (99, MemberDisconnected("m1", "c1", START + 98 * S, "timeout")),
    (100, LectureMoved(LectureState.ENDED, "button")),
    (3500, MemberExcused("m3", Leave.ILLNESS, "s1")),
    (3600, RuleSet(Rule(share=90), 2, "s1", "=按市里要求")),
]

INVITATIONS = [
    Invitation("party", Member("m1", "张伟", ("镇巴县", "泾洋街道党支部"), "138****0001"), Role.MEMBER, 1),
    Invitation("party", Member("m2", "=HYPERLINK(1)", ("镇巴县", "@观音镇"), "+86138****2"), Role.MEMBER, 1),
    Invitation("party", Member("m3", "陈\t静", ("洋县",), None), Role.MEMBER, 2),
    Invitation("party", Member("dean", "王院长", (), None), Role.LECTURER, 1),
]

MakeReport = Callable[..., Report]


NAMES = {"s1": "李主任", "dean": "王院长"}
REASONS = {"k1": "=会场签到表为证"}


def make(scope: BranchPath = (), shuffled: int | None = None, more: Sequence[tuple[float, Body]] = ()) -> Report:
    """The same report whatever the order of facts and roster (`shuffled`); `more`: what was told besides."""
    told = enumerate([*BODIES, *more], 1)
    facts = [Fact("party", "a", "1", number, START + int(at * S), body) for number, (at, body) in told]
    invitations = list(INVITATIONS)
    if shuffled is not None:
        order = random.Random(shuffled)
        order.shuffle(facts)
        order.shuffle(invitations)
    presence = Presence()
    for fact in facts:
        presence.apply(fact)
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    head = sign(key, "party", len(facts), bytes(range(32)), START)
    reading = Reading("party", presence, head.row, head.hash, head)
    return compose(reading, "=第一课", invitations, scope=scope, names=NAMES, reasons=REASONS)


@pytest.fixture
def make_report() -> MakeReport:
    return make


SITE = Site("hall", "party", ("镇巴县", "泾洋街道党支部"), "党员活动室", "m1", "张伟")


def gather(scope: BranchPath = (), sites: Sequence[Site] = (SITE,)) -> Report:
    """A report of a lecture that a site watched: m1 is its host, m2 was there for forty seconds."""
    bodies: list[tuple[int, Body]] = [
        (0, LectureMoved(LectureState.LIVE, "button")),
        (0, SlotFlowing("lecturer", "dean")),
        (10, SiteOpened("hall", "m1", "m1")),
        (10, SiteScreened("hall", "m1", "w1")),
        (11, ReceivingBegan("m1", "w1", Evidence.REPORTED, START + 11 * S)),
        (20, SiteCheckedIn("m2", "hall", How.QR, "m2")),
        (30, SiteCounted("hall", 7, "m1")),
        (60, SiteClosed("hall", START + 60 * S, "m1")),
        (100, LectureMoved(LectureState.ENDED, "button")),
    ]
    presence = Presence()
    for number, (at, body) in enumerate(bodies, 1):
        presence.apply(Fact("party", "a", "1", number, START + at * S, body))
    names = {one.member.id: one.member.name for one in INVITATIONS}
    reading = Reading("party", presence, len(bodies), b"")
    return compose(reading, "第一课", INVITATIONS, scope=scope, sites=sites, names=names)


@pytest.fixture
def gathered() -> Report:
    return gather()
