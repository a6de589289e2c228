"""A lecture of a hundred seconds that every export is tested with."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from attendance.chain import sign
from attendance.facts import (
    Body,
    Evidence,
    Fact,
    JoinFailed,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
    SlotFlowing,
)
from attendance.presence import Presence
from attendance.report import Reading, Report, compose
from attendance.roster import BranchPath, Invitation, Member, Role

S = 1_000_000
START = 1_763_985_600 * S  # 2025-11-24 20:00:00 in China

BODIES: list[tuple[float, Body]] = [
    (-60, NodeStarted()),
    (0, LectureMoved(LectureState.LIVE, "button")),
    (0, SlotFlowing("lecturer", "dean")),
    (2, MemberConnected("m1", "c1")),
    (3.25, ReceivingBegan("m1", "w1", Evidence.REPORTED, START + 3_250_000)),
    (5, MemberConnected("m2", "c2")),
    (9, JoinFailed("m2", "no-udp", "=1+1")),
    (42, OutageBegan("relay", START + 40 * S)),
    (44, OutageEnded("relay")),
    (45, SlotFlowing("lecturer", "dean")),
    (46, ReceivingBegan("m1", "w2", Evidence.REPORTED, START + 46 * S)),
    (70, MemberDisconnected("m2", "c2", START + 70 * S, "closed")),
    (98, ReceivingStopped("m1", "w2", START + 97_999_000, "closed")),
    (99, MemberDisconnected("m1", "c1", START + 98 * S, "timeout")),
    (100, LectureMoved(LectureState.ENDED, "button")),
]

INVITATIONS = [
    Invitation("party", Member("m1", "张伟", ("镇巴县", "泾洋街道党支部"), "138****0001"), Role.MEMBER, 1),
    Invitation("party", Member("m2", "=HYPERLINK(1)", ("镇巴县", "@观音镇"), "+86138****2"), Role.MEMBER, 1),
    Invitation("party", Member("m3", "陈\t静", ("洋县",), None), Role.MEMBER, 2),
    Invitation("party", Member("dean", "王院长", (), None), Role.LECTURER, 1),
]

MakeReport = Callable[..., Report]


def make(scope: BranchPath = (), shuffled: int | None = None) -> Report:
    """The same report whatever the order of facts and roster (`shuffled`)."""
    facts = [Fact("party", "a", "1", number, START + int(at * S), body) for number, (at, body) in enumerate(BODIES, 1)]
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
    return compose(Reading("party", presence, head.row, head.hash, head), "=第一课", invitations, scope=scope)


@pytest.fixture
def make_report() -> MakeReport:
    return make
