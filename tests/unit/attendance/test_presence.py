from __future__ import annotations

import random
import tracemalloc
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.facts import (
    Beat,
    Bits,
    Body,
    Evidence,
    Fact,
    JoinFailed,
    LectureMoved,
    LectureState,
    MemberConnected,
    MemberDisconnected,
    NodeStarted,
    NodeStopped,
    OutageBegan,
    OutageEnded,
    PageTroubled,
    ReceivingBegan,
    ReceivingStopped,
    SignInAnswered,
    SignInAsked,
    SlotFlowing,
    SlotSilent,
    StageEntered,
    StageLeft,
)
from attendance.interval import Span
from attendance.presence import Account, Presence
from attendance.sign_in import SignIn
from attendance.track import BEAT, SAME_VIEW, Kind, Views

S = 1_000_000


class Evening:
    """Writes facts at seconds; each boot counts for itself."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.counters = {"1": count(1)}
        self.boot = "1"
        self.node = "a"

    def at(self, second: float, *bodies: Body) -> Evening:
        for body in bodies:
            counter = next(self.counters[self.boot])
            self.facts.append(Fact("party", self.node, self.boot, counter, int(second * S), body))
        return self

    def new_boot(self, boot: str, node: str = "a") -> Evening:
        self.boot, self.node = boot, node
        self.counters.setdefault(boot, count(1))
        return self

    def presence(self) -> Presence:
        presence = Presence()
        for fact in self.facts:
            presence.apply(fact)
        return presence

    def account(self, member: str = "m") -> Account:
        return self.presence().account(member)


def live() -> Evening:
    """A lecture that is live from 100 s, with picture from there."""
    return Evening().at(0, NodeStarted()).at(100, SlotFlowing("lecturer", "dean"), moved("live"))


def moved(state: str) -> LectureMoved:
    return LectureMoved(LectureState(state), "button")


def began(second: float, connection: str = "w", evidence: Evidence = Evidence.REPORTED) -> ReceivingBegan:
    return ReceivingBegan("m", connection, evidence, int(second * S))


def stopped(second: float, connection: str = "w") -> ReceivingStopped:
    return ReceivingStopped("m", connection, int(second * S), "closed")


def receiving_beat(*connections: str) -> Beat:
    return Beat({connection: int(Bits.REPORTED) for connection in connections})


def spans(account: Account, kind: Kind = Kind.RECEIVING) -> list[tuple[float, float]]:
    return [(one.start / S, one.end / S) for one in account.sessions if one.kind is kind]


# --- one member -----------------------------------------------------------------------------------------------------


def test_who_received_all_has_all() -> None:
    account = live().at(101, began(100)).at(1100, stopped(1100), moved("ended")).account()
    assert account.receiving == account.credited == account.denominator == 1000 * S
    assert account.share == 1.0
    assert (account.first_join, account.last_leave) == (100 * S, 1100 * S)


def test_milliseconds_count() -> None:
    account = live().at(201, began(200.25)).at(400, stopped(399.999)).at(1100, moved("ended")).account()
    assert account.receiving == 199_749_000


def test_overlapping_connections_count_once() -> None:
    evening = live().at(200, began(200, "phone")).at(300, began(300, "office"))
    account = evening.at(400, stopped(400, "phone")).at(500, stopped(500, "office")).at(1100, moved("ended")).account()
    assert account.receiving == 300 * S
    assert spans(account) == [(200, 400), (300, 500)]


def test_a_gap_below_thirty_seconds_is_bridged_and_stays_visible() -> None:
    evening = live().at(200, began(200)).at(300, stopped(300)).at(329.9, began(329.9, "w2")).at(400, stopped(400, "w2"))
    account = evening.at(1100, moved("ended")).account()
    assert account.receiving == int(170.1 * S)
    assert account.credited == 200 * S
    assert account.bridged == [Span(300 * S, int(329.9 * S))]


def test_a_gap_of_thirty_seconds_is_lost() -> None:
    evening = live().at(200, began(200)).at(300, stopped(300)).at(330, began(330, "w2")).at(400, stopped(400, "w2"))
    account = evening.at(1100, moved("ended")).account()
    assert account.credited == account.receiving == 170 * S
    assert account.bridged == []


def test_rehearsal_and_what_follows_the_end_are_listed_but_not_counted() -> None:
    evening = (
        Evening().at(0, NodeStarted(), SlotFlowing("lecturer", "dean")).at(10, began(10, "r")).at(20, stopped(20, "r"))
    )
    evening.at(100, moved("live")).at(150, began(150)).at(200, stopped(200)).at(300, moved("ended"))
    account = evening.at(310, began(310, "late")).at(330, stopped(330, "late")).account()
    assert spans(account) == [(10, 20), (150, 200), (310, 330)]
    assert account.receiving == account.credited == 50 * S
    assert (account.first_join, account.last_leave) == (150 * S, 200 * S)


def test_who_waited_in_the_lobby_joined_when_they_did() -> None:
    evening = Evening().at(0, NodeStarted(), SlotFlowing("lecturer", "dean")).at(50, began(50)).at(100, moved("live"))
    account = evening.at(300, moved("ended")).at(310, stopped(310)).account()
    assert account.receiving == account.denominator == 200 * S
    assert (account.first_join, account.last_leave) == (50 * S, 310 * S)


def test_a_late_left_after_the_next_joined_is_harmless() -> None:
    evening = live().at(200, began(200, "w1")).at(300, began(300, "w2")).at(301, stopped(250, "w1"))
    account = evening.at(400, stopped(400, "w2")).at(1100, moved("ended")).account()
    assert spans(account) == [(200, 250), (300, 400)]


def test_better_evidence_divides_the_session() -> None:
    evening = live().at(200, began(200)).at(300, began(300, "w", Evidence.PROVED)).at(400, stopped(400))
    sessions = [one for one in evening.at(1100, moved("ended")).account().sessions if one.kind is Kind.RECEIVING]
    assert [(one.evidence, one.closed_by) for one in sessions] == [
        ("reported", "evidence-changed"),
        ("proved", "closed"),
    ]


def test_proved_and_reported_are_told_apart() -> None:
    evening = live().at(200, began(200)).at(310, began(300, "w", Evidence.PROVED))
    evening.at(420, began(400, "w", Evidence.REPORTED)).at(425, began(420, "w", Evidence.PROVED)).at(500, stopped(500))
    account = evening.at(1100, moved("ended")).account()
    assert (account.receiving, account.proved, account.reported) == (300 * S, 180 * S, 120 * S)
    assert account.credited == 300 * S
    assert account.credited_proved == 200 * S  # the 20 s without an echo between two proofs are bridged
    assert account.share_by(Evidence.PROVED) == pytest.approx(0.2)
    assert account.share_by(Evidence.REPORTED) == account.share == pytest.approx(0.3)


def test_a_player_that_echoes_nothing_has_no_measure_of_proofs() -> None:
    evening = live().at(200, began(200)).at(500, stopped(500)).at(1100, moved("ended"))
    account = evening.account()
    assert (account.proved, account.reported, account.share_by(Evidence.PROVED)) == (None, 300 * S, None)
    nobody = evening.account("absent")
    assert (nobody.proved, nobody.reported, nobody.share_by(Evidence.PROVED)) == (0, 0, 0)


def test_proofs_of_one_device_do_not_make_another_s_reports_proved() -> None:
    evening = live().at(200, began(200, "phone"), began(200, "office", Evidence.PROVED))
    evening.at(300, stopped(300, "office")).at(400, stopped(400, "phone"))
    account = evening.at(1100, moved("ended")).account()
    assert (account.receiving, account.proved, account.reported) == (200 * S, 100 * S, 100 * S)


def test_a_sign_in_is_known_once_and_by_its_first_answer() -> None:
    evening = (
        live()
        .at(200, SignInAsked("m", "r2", 290 * S), SignInAsked("m", "c1", 290 * S))
        .at(210, SignInAnswered("m", "c1"))
    )
    evening.at(220, SignInAnswered("m", "c1")).at(230, SignInAsked("n", "c1", 290 * S))
    evening.facts += evening.facts[:3]
    presence = evening.presence()
    assert presence.sign_ins("m") == [SignIn(200 * S, "c1", 290 * S, 210 * S), SignIn(200 * S, "r2", 290 * S)]
    assert presence.account("n").sign_ins == [SignIn(230 * S, "c1", 290 * S)]
    assert presence.called() == 1


def test_a_proof_that_comes_after_a_beat_does_not_undo_it() -> None:
    evening = live().at(200, began(200)).at(210, receiving_beat("w")).at(212, began(200, "w", Evidence.PROVED))
    account = evening.new_boot("2").at(230, NodeStarted()).account()
    assert spans(account) == [(200, 210)]


def test_standing_says_whether_it_is_proved() -> None:
    presence = live().at(200, began(200)).at(215, began(210, "w", Evidence.PROVED)).presence()
    assert presence.standing("m", 220 * S).proved
    assert not live().at(200, began(200)).presence().standing("m", 220 * S).proved


def test_the_uncertainty_of_an_edge_is_how_late_it_was_noticed() -> None:
    evening = live().at(200, MemberConnected("m", "c")).at(300, MemberDisconnected("m", "c", 280 * S, "timeout"))
    session = evening.at(1100, moved("ended")).account().sessions[0]
    assert (session.end, session.closed_by, session.uncertainty) == (280 * S, "timeout", 20 * S)


def test_no_time_lies_beyond_the_moment_it_was_noticed() -> None:
    evening = live().at(200, began(900)).at(300, stopped(999)).at(1100, moved("ended"))
    assert spans(evening.account()) == [(200, 300)]


# --- not measured ---------------------------------------------------------------------------------------------------


def test_who_never_came_received_nothing() -> None:
    account = live().at(1100, moved("ended")).account("absent")
    assert (account.connected, account.receiving, account.credited, account.share) == (0, 0, 0, 0)
    assert account.first_join is None


def test_who_was_connected_without_any_evidence_is_not_measured() -> None:
    evening = live().at(200, MemberConnected("m", "c")).at(300, MemberDisconnected("m", "c", 300 * S, "closed"))
    account = evening.at(1100, moved("ended")).account()
    assert (account.connected, account.receiving, account.credited, account.share) == (100 * S, None, None, None)
    assert account.denominator == 1000 * S


def test_who_looked_in_for_a_moment_received_nothing() -> None:
    evening = live().at(200, MemberConnected("m", "c")).at(204, MemberDisconnected("m", "c", 204 * S, "closed"))
    assert evening.at(1100, moved("ended")).account().receiving == 0


def test_a_lecture_that_was_never_live_measures_nobody() -> None:
    account = Evening().at(0, NodeStarted()).at(10, began(10)).at(20, stopped(20)).account()
    assert (account.connected, account.receiving, account.credited, account.denominator) == (None, None, None, None)
    assert spans(account) == [(10, 20)]


def test_a_lecture_with_nothing_on_any_slot_measures_nobody() -> None:
    account = Evening().at(0, NodeStarted()).at(100, moved("live")).at(200, moved("ended")).account()
    assert (account.receiving, account.denominator, account.share) == (None, None, None)


# --- outages and silence --------------------------------------------------------------------------------------------


def test_our_outage_does_not_count() -> None:
    evening = live().at(100, began(100)).at(402, OutageBegan("relay", 400 * S)).at(410, stopped(399.5))
    evening.at(420, OutageEnded("relay")).at(425, SlotFlowing("lecturer", "dean"), began(425, "w2"))
    presence = evening.at(1100, moved("ended"), stopped(1100, "w2")).presence()
    counted, account = presence.counted(), presence.account("m")
    assert [(one.start, one.end, one.cause) for one in counted.outages] == [(400 * S, 420 * S, "relay")]
    assert counted.silent == [Span(420 * S, 425 * S)]
    assert account.denominator == 975 * S
    assert account.credited == 975 * S
    assert account.receiving == int(974.5 * S)


def test_what_is_open_when_an_outage_begins_ends_there() -> None:
    evening = live().at(100, began(100), MemberConnected("m", "c")).at(402, OutageBegan("relay", 400 * S))
    account = evening.at(500, OutageEnded("relay"), SlotFlowing("lecturer", "d"), moved("ended")).account()
    assert spans(account) == [(100, 400)]
    assert {one.kind: one.closed_by for one in account.sessions} == {"receiving": "outage-relay", "connected": "open"}
    assert spans(account, Kind.CONNECTED) == [(100, 500)]


def test_nobody_is_charged_for_the_way_back_from_an_outage() -> None:
    """A gap that is below 30 s without our outage is bridged, however long the outage."""
    evening = live().at(100, began(100)).at(400, OutageBegan("relay", 400 * S)).at(700, OutageEnded("relay"))
    evening.at(700, SlotFlowing("lecturer", "dean")).at(729, began(729, "w2"))
    assert evening.at(1100, moved("ended")).account().credited == 700 * S


def test_silence_does_not_count() -> None:
    evening = live().at(100, began(100)).at(302, SlotSilent("lecturer", 300 * S)).at(500, SlotFlowing("screen", "dean"))
    evening.at(510, SlotFlowing("lecturer", "dean")).at(600, SlotSilent("screen", 600 * S))
    presence = evening.at(1100, moved("ended")).presence()
    assert presence.counted().silent == [Span(300 * S, 500 * S)]
    assert presence.account("m").denominator == 800 * S


def test_a_crash_closes_at_the_last_beat_and_is_ours() -> None:
    evening = (
        live()
        .at(150, began(150), MemberConnected("m", "c"))
        .at(200, Beat({"w": int(Bits.REPORTED), "c": int(Bits.CONNECTED | Bits.VISIBLE)}))
    )
    evening.at(212, JoinFailed(None, "other")).new_boot("2").at(220, NodeStarted(), SlotFlowing("lecturer", "dean"))
    evening.at(221, began(221, "w2")).at(300, stopped(300, "w2")).at(400, moved("ended"))
    presence = evening.presence()
    account = presence.account("m")
    assert spans(account) == [(150, 200), (221, 300)]
    assert spans(account, Kind.CONNECTED) == [(150, 200)]
    assert {one.closed_by for one in account.sessions} == {"service-crash", "closed"}
    assert [(one.start, one.end, one.cause) for one in presence.counted().outages] == [(200 * S, 220 * S, "service")]
    assert account.denominator == 280 * S
    assert account.receiving == 129 * S
    assert account.credited == 130 * S


def test_a_crash_before_the_first_beat_costs_nobody_a_share() -> None:
    evening = live().at(102, began(102)).at(112, JoinFailed(None, "other"))
    evening.new_boot("2").at(120, NodeStarted(), SlotFlowing("lecturer", "dean"), began(120, "w2"))
    account = evening.at(200, stopped(200, "w2"), moved("ended")).account()
    assert account.denominator == 80 * S
    assert account.share == 1.0


def test_a_stop_in_order_leaves_nothing_open_and_the_pause_is_ours() -> None:
    evening = live().at(150, began(150)).at(200, NodeStopped()).new_boot("2").at(230, NodeStarted())
    evening.at(230, SlotFlowing("lecturer", "dean"), began(230, "w2")).at(300, moved("ended"))
    presence = evening.presence()
    assert spans(presence.account("m")) == [(150, 200), (230, 300)]
    assert [(one.start, one.end, one.cause) for one in presence.counted().outages] == [(200 * S, 230 * S, "service")]
    assert presence.account("m").denominator == 170 * S


def test_a_lecture_ended_by_command_after_a_crash_does_not_count_the_dead_time() -> None:
    evening = live().at(100, began(100)).at(200, receiving_beat("w")).new_boot("cli").at(900, moved("ended"))
    account = evening.account()
    assert account.denominator == 100 * S
    assert account.share == 1.0


def test_a_crash_of_one_node_does_not_close_the_connections_of_another() -> None:
    evening = live().at(110, receiving_beat())
    evening.new_boot("b1", "b").at(100, NodeStarted()).at(150, began(150)).at(400, receiving_beat("w"))
    evening.new_boot("2", "a").at(200, NodeStarted(), SlotFlowing("lecturer", "dean")).at(400, moved("ended"))
    assert spans(evening.account()) == [(150, 400)]


def test_during_the_lecture_a_report_goes_as_far_as_the_evidence() -> None:
    evening = live().at(150, began(150)).at(200, receiving_beat("w")).at(214, JoinFailed(None, "other"))
    account = evening.account()
    assert spans(account) == [(150, 200)]
    assert account.sessions[0].open
    assert account.sessions[0].closed_by == "open"
    assert account.denominator == 100 * S


# --- visible, stage, failed -----------------------------------------------------------------------------------------


def test_visible_joins_neighbouring_beats() -> None:
    evening = live().at(150, MemberConnected("m", "c"))
    for second in (165, 180, 195, 225, 240):
        evening.at(second, Beat({"c": int(Bits.CONNECTED | Bits.VISIBLE)}))
    account = evening.at(300, MemberDisconnected("m", "c", 300 * S, "closed"), moved("ended")).account()
    assert spans(account, Kind.VISIBLE) == [(165, 195), (225, 240)]
    assert account.visible == 45 * S


def test_the_stage_is_a_clock_of_its_own() -> None:
    evening = live().at(150, StageEntered("m", "guest")).at(170, StageLeft("m", "guest", 169 * S))
    account = evening.at(200, StageEntered("m", "guest")).at(300, moved("ended")).account()
    assert spans(account, Kind.ON_STAGE) == [(150, 169), (200, 300)]
    assert account.on_stage == 119 * S


def test_failed_attempts_are_kept() -> None:
    evening = live().at(150, JoinFailed("m", "no-udp", "blocked")).at(160, JoinFailed("n", "no-codec"))
    assert [(one.at, one.cause, one.detail) for one in evening.account().failed] == [(150 * S, "no-udp", "blocked")]


def test_what_troubles_somebody_who_is_in_is_no_failed_attempt() -> None:
    evening = live().at(150, PageTroubled("m", "autoplay", "Safari")).at(160, JoinFailed("m", "camera-refused"))
    account = evening.account()
    assert account.failed == []
    assert [(one.at, one.cause) for one in account.troubled] == [(150 * S, "autoplay"), (160 * S, "camera-refused")]


def test_a_session_says_by_which_way_media_came() -> None:
    evening = live().at(101, began(100)).at(300, stopped(300)).at(400, MemberConnected("m", "c"))
    evening.at(401, ReceivingBegan("m", "h", Evidence.REPORTED, 400 * S, "other"), stopped(500, "h"))
    account = evening.at(600, MemberDisconnected("m", "c", 600 * S, "closed")).account()
    assert [(one.kind, one.source) for one in account.sessions] == [
        (Kind.RECEIVING, "webrtc"),
        (Kind.RECEIVING, "other"),
        (Kind.CONNECTED, ""),
    ]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_boot_is_over_with_the_next_one_whatever_the_clock_was_set_to(hours: int) -> None:
    evening = live().at(150, began(150)).at(200, receiving_beat("w"))
    set_to = 220 + hours * 3600
    evening.new_boot("2").at(set_to, NodeStarted(), SlotFlowing("lecturer", "dean"))
    read, told = Presence(), Presence()
    for row, fact in enumerate(evening.facts, start=1):
        read.apply(fact, row)
        told.apply(fact, row if fact.boot == "1" else None)  # as in a room that was built from boot 1's rows
    for presence in (read, told):
        session = presence.account("m").sessions[0]
        assert (session.start, session.end, session.closed_by) == (150 * S, 200 * S, "service-crash")
        assert presence.open_boots == [("a", "2")]
        assert not presence.standing("m", (set_to + 100) * S).receiving


# --- live ------------------------------------------------------------------------------------------------------------


def test_standing_counts_up_to_now() -> None:
    presence = live().at(150, MemberConnected("m", "c"), began(150)).presence()
    standing = presence.standing("m", 170 * S)
    assert (standing.connected, standing.receiving, standing.credited) == (True, True, 20 * S)
    assert (standing.since, standing.first_join) == (150 * S, 150 * S)
    assert presence.standing("m", 180 * S).credited == 30 * S
    assert presence.standing("stranger", 180 * S).credited == 0


def test_standing_follows_each_fact() -> None:
    evening = live().at(150, began(150)).at(200, stopped(200))
    presence = Presence()
    seen = []
    for fact in evening.facts:
        presence.apply(fact)
        seen.append((presence.standing("m", 210 * S).receiving, presence.standing("m", 210 * S).since))
    assert seen[-2:] == [(True, 150 * S), (False, 200 * S)]


def test_standing_ends_with_the_boot_that_saw_it() -> None:
    evening = live().at(150, MemberConnected("m", "c"), began(150))
    presence = evening.presence()
    assert presence.standing("m", 160 * S).receiving
    presence.apply(evening.new_boot("2").at(161, NodeStarted()).facts[-1])
    standing = presence.standing("m", 162 * S)
    assert (standing.connected, standing.receiving) == (False, False)


# --- any order ------------------------------------------------------------------------------------------------------


def eventful() -> Evening:
    evening = live().at(110, MemberConnected("m", "c"), began(110)).at(115, began(113, "w", Evidence.PROVED))
    evening.at(120, Beat({"w": 4, "c": 9})).at(130, StageEntered("m", "guest")).at(135, Beat({"w": 4, "c": 9}))
    evening.at(140, OutageBegan("relay", 138 * S)).at(141, stopped(137)).at(142, OutageEnded("relay"))
    evening.at(143, SlotFlowing("lecturer", "dean"), began(143, "w2")).at(150, Beat({"w2": 2, "c": 1}))
    evening.new_boot("2").at(160, NodeStarted(), SlotFlowing("lecturer", "dean")).at(161, MemberConnected("m", "c2"))
    evening.at(162, began(162, "w3")).at(170, StageLeft("m", "guest", 165 * S)).at(175, Beat({"w3": 2, "c2": 9}))
    evening.at(180, SlotSilent("lecturer", 179 * S)).at(190, SlotFlowing("screen", "dean"))
    evening.at(191, SignInAsked("m", "r1", 281 * S)).at(192, SignInAnswered("m", "r1")).at(195, NodeStopped())
    evening.new_boot("3").at(200, NodeStarted(), SlotFlowing("lecturer", "dean"), began(200, "w4"))
    return evening.at(230, JoinFailed("m", "other"), stopped(229, "w4"), moved("ended"))


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.data())
def test_order_and_repetition_of_facts_do_not_matter(order: random.Random, data: st.DataObject) -> None:
    facts = eventful().facts
    expected = eventful().presence()
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=10))
    shuffled = [*facts, *repeated]
    order.shuffle(shuffled)
    presence = Presence()
    for fact in shuffled:
        presence.apply(fact)
        presence.standing("m", 240 * S)
    assert presence.account("m") == expected.account("m")
    assert presence.counted() == expected.counted()
    assert presence.standing("m", 240 * S) == expected.standing("m", 240 * S)


times = st.integers(90, 320)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(times, times, st.sampled_from("uvw"), st.sampled_from(list(Evidence))), max_size=6),
    st.lists(st.tuples(times, times), max_size=3),
    st.lists(st.tuples(times, times), max_size=3),
)
def test_the_algebra_holds_whatever_happens(
    received: list[tuple[int, int, str, Evidence]], outages: list[tuple[int, int]], silences: list[tuple[int, int]]
) -> None:
    steps: list[tuple[float, Body]] = [(100, moved("live")), (300, moved("ended")), (95, SlotFlowing("lecturer", "d"))]
    for start, end, connection, evidence in received:
        steps += [(start, began(start, connection, evidence)), (max(start, end), stopped(end, connection))]
    for start, end in outages:
        steps += [(start, OutageBegan("relay", start * S)), (max(start, end), OutageEnded("relay"))]
    for start, end in silences:
        steps += [(start, SlotSilent("lecturer", start * S)), (max(start, end), SlotFlowing("lecturer", "d"))]
    evening = Evening().at(0, NodeStarted())
    for second, body in sorted(steps, key=lambda step: step[0]):
        evening.at(second, body)
    presence = evening.presence()
    account = presence.account("m")
    if account.receiving is None or account.credited is None or account.denominator is None:
        assert account.denominator is None
        return
    assert 0 <= account.receiving <= account.credited <= account.denominator <= 200 * S
    assert account.share is not None
    assert account.share <= 1
    assert account.reported is not None
    if account.proved is not None and account.credited_proved is not None:
        assert account.proved + account.reported == account.receiving
        assert account.proved <= account.credited_proved <= account.credited
    assert account.credited - account.receiving == sum(end - start for start, end in account.bridged)
    counted = presence.counted()
    ours = sum(end - start for start, end in counted.forgiven)
    assert account.denominator + ours == 200 * S


@pytest.mark.parametrize("state", ["lobby", "live", "interrupted", "ended", "published"])
def test_the_state_is_the_latest(state: str) -> None:
    presence = Evening().at(0, moved("planned")).at(10, moved(state)).presence()
    assert presence.state == state


@given(st.lists(st.integers(0, 40), max_size=30))
def test_moments_of_a_page_join_in_any_order(moments: list[int]) -> None:
    """A page was visible from one beat that says so to the next, where they are not further apart than that may be."""
    views = Views()
    for moment in moments:
        views.seen(moment * BEAT)
    expected: list[Span] = []
    for at in sorted({moment * BEAT for moment in moments}):
        if expected and at - expected[-1].end <= SAME_VIEW:
            expected[-1] = Span(expected[-1].start, at)
        else:
            expected.append(Span(at, at))
    assert views.spans == expected


def test_a_visit_leaves_little_in_memory() -> None:
    """A lecture's facts are in memory while it goes on, and members come and go all evening."""
    visits = 1_000
    evening = live()
    for number in range(visits):
        second, connection = 200 + 20 * number, f"w{number}"
        evening.at(second, began(second, connection)).at(second + 15, receiving_beat(connection))
        evening.at(second + 19, stopped(second + 19, connection))
    tracemalloc.start()
    try:
        presence = evening.presence()
        standing = presence.standing("m", 200 * S + 20 * S * visits)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert standing.credited == (19 + 1) * S * visits - S  # a second's gap is bridged
    assert size / visits < 600
