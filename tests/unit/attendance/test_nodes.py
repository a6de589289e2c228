"""What several nodes tell of one lecture, and what is made of one that died."""

from __future__ import annotations

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.facts import (
    Beat,
    Bits,
    Body,
    Evidence,
    Fact,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeLost,
    NodeStarted,
    NodeStopped,
    ReceivingBegan,
    SlotFlowing,
)
from attendance.presence import Account, Presence
from attendance.track import Kind

S = 1_000_000


class Ledger:
    """`ledger.of(node, boot, second, *bodies)`: each boot counts for itself; the order is that of storing."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._counters: dict[str, count[int]] = {}

    def of(self, node: str, second: float, *bodies: Body, boot: str = "1") -> Ledger:
        counter = self._counters.setdefault(node + boot, count(1))
        self.facts += [Fact("party", node, boot, next(counter), int(second * S), body) for body in bodies]
        return self

    def presence(self) -> Presence:
        presence = Presence()
        for fact in self.facts:
            presence.apply(fact)
        return presence


def two_nodes() -> Ledger:
    """`a` is the home and shows a picture from 100 s; one member's page is at each, both watch at `a`."""
    ledger = Ledger().of("a", 0, NodeStarted()).of("a", 100, SlotFlowing("lecturer", "dean"), moved("live"))
    ledger.of("a", 100, MemberConnected("m", "c-m"), began("m", 100)).of("b", 100, MemberConnected("n", "c-n"))
    return ledger.of("a", 100, began("n", 100))


def moved(state: str) -> LectureMoved:
    return LectureMoved(LectureState(state), "button")


def began(member: str, second: float, connection: str = "") -> ReceivingBegan:
    return ReceivingBegan(member, connection or f"w-{member}", Evidence.REPORTED, int(second * S))


def beat(*connections: str) -> Beat:
    of = {"c": int(Bits.CONNECTED), "w": int(Bits.REPORTED)}
    return Beat({connection: of[connection[0]] for connection in connections})


def spans(account: Account, kind: Kind) -> list[tuple[float, float]]:
    return [(one.start / S, one.end / S) for one in account.sessions if one.kind is kind]


def outages(presence: Presence) -> list[tuple[float, float]]:
    return [(one.start / S, one.end / S) for one in presence.counted().outages]


def test_a_home_that_died_is_closed_by_whoever_took_over_and_the_time_between_is_ours() -> None:
    ledger = two_nodes().of("a", 200, beat("c-m", "w-m", "w-n")).of("b", 200, beat("c-n"))
    ledger.of("b", 215, NodeLost("a", "1"), NodeStarted(), SlotFlowing("lecturer", "dean"))
    ledger.of("b", 216, MemberConnected("m", "c2"), began("m", 216, "w2"), began("n", 216, "w3"))
    presence = ledger.of("b", 400, beat("c-n", "c2", "w2", "w3"), moved("ended")).presence()
    member, other = presence.account("m"), presence.account("n")
    assert spans(member, Kind.RECEIVING) == [(100, 200), (216, 400)]
    assert spans(other, Kind.RECEIVING) == [(100, 200), (216, 400)]
    assert spans(member, Kind.CONNECTED) == [(100, 200), (216, 400)]
    assert spans(other, Kind.CONNECTED) == [(100, 400)]  # its own node lived on
    assert outages(presence) == [(200, 215)]
    assert member.denominator == other.denominator == 285 * S
    assert member.share == other.share == 1.0  # the second until the picture came is bridged
    standing = presence.standing("m", 401 * S)
    assert standing.credited == 285 * S


def test_a_home_that_died_does_not_go_on_receiving_on_live_pages() -> None:
    ledger = two_nodes().of("a", 200, beat("c-m", "w-m", "w-n"))
    assert ledger.presence().standing("m", 230 * S).receiving
    presence = ledger.of("b", 215, NodeLost("a", "1"), NodeStarted()).presence()
    standing = presence.standing("m", 230 * S)
    assert not standing.receiving
    assert not standing.connected
    assert standing.credited == 100 * S
    assert presence.open_boots == [("b", "1")]


def test_a_node_of_members_alone_that_died_is_no_outage() -> None:
    ledger = two_nodes().of("a", 200, beat("c-m", "w-m", "w-n")).of("b", 200, beat("c-n"))
    ledger.of("a", 208, NodeLost("b", "1")).of("a", 212, MemberConnected("n", "c2"))
    presence = ledger.of("a", 400, beat("c-m", "w-m", "w-n", "c2"), moved("ended")).presence()
    assert spans(presence.account("n"), Kind.CONNECTED) == [(100, 200), (212, 400)]
    assert spans(presence.account("n"), Kind.RECEIVING) == [(100, 400)]
    assert outages(presence) == []
    assert presence.account("n").share == 1.0


def test_the_dead_node_that_comes_back_later_changes_nothing_of_that() -> None:
    ledger = two_nodes().of("a", 200, beat("c-m", "w-m", "w-n"))
    ledger.of("b", 215, NodeLost("a", "1"), NodeStarted(), SlotFlowing("lecturer", "dean"), began("m", 216))
    ledger.of("a", 300, MemberConnected("o", "c-o"), boot="2").of("b", 350, NodeLost("a", "2"))
    presence = ledger.of("b", 400, beat("w-m"), moved("ended")).presence()
    assert outages(presence) == [(200, 215)]
    ledger.of("a", 500, NodeStarted(), boot="3")
    assert outages(ledger.presence()) == [(200, 215)]


def test_who_tells_on_was_not_gone() -> None:
    ledger = two_nodes().of("a", 200, beat("c-m", "w-m", "w-n")).of("b", 207, NodeLost("a", "1"))
    assert not ledger.presence().standing("m", 208 * S).receiving
    presence = ledger.of("a", 215, beat("c-m", "w-m", "w-n")).presence()
    assert presence.standing("m", 216 * S).receiving
    assert outages(presence) == []
    assert ("a", "1") in presence.open_boots


def test_a_home_that_handed_over_in_order_leaves_no_outage_and_its_sockets_go_on() -> None:
    ledger = two_nodes().of("a", 200, NodeStopped(), MemberConnected("m", "c-m")).of("b", 200, NodeStarted())
    ledger.of("b", 201, SlotFlowing("lecturer", "dean")).of("b", 202, began("m", 202))
    ledger.of("a", 300, MemberDisconnected("m", "c-m", 300 * S, "closed")).of("b", 400, beat("w-m"), moved("ended"))
    presence = ledger.presence()
    assert outages(presence) == []
    assert spans(presence.account("m"), Kind.CONNECTED) == [(100, 200), (200, 300)]
    assert spans(presence.account("m"), Kind.RECEIVING) == [(100, 200), (202, 400)]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(random: object) -> None:
    ledger = two_nodes().of("a", 200, beat("c-m", "w-m", "w-n")).of("b", 200, beat("c-n"))
    ledger.of("b", 215, NodeLost("a", "1"), NodeStarted(), SlotFlowing("lecturer", "dean"), began("m", 216, "w2"))
    ledger.of("a", 250, MemberConnected("o", "c-o"), boot="2").of("b", 300, NodeLost("a", "2"))
    ledger.of("b", 400, beat("c-n", "w2"), moved("ended"))
    straight = ledger.presence()
    shuffled = Ledger()
    shuffled.facts = [*ledger.facts, *ledger.facts[:5]]
    random.shuffle(shuffled.facts)  # type: ignore[attr-defined]
    found = shuffled.presence()
    assert outages(found) == outages(straight)
    for member in "mno":
        assert found.account(member) == straight.account(member)
        assert found.standing(member, 500 * S) == straight.standing(member, 500 * S)
