from __future__ import annotations

from attendance.facts import (
    Bits,
    Body,
    Evidence,
    JoinFailed,
    OutageBegan,
    OutageEnded,
    ReceivingBegan,
    ReceivingStopped,
)
from classroom.evidence import Told, Witness
from signaling.control import Closing, PeerClosed, ViewerHearing, ViewerLacksCodec, ViewerReceiving, ViewerStalled
from signaling.ports import RelayDown, RelayUp
from signaling.proof import key_of, mark_of
from signaling.session.offer import Codec

SECRET = bytes(32)
BASE = 1_800_000_000_000_000


def at(monotonic: float) -> int:
    return BASE + round(monotonic * 1_000_000)


def receiving() -> Witness:
    """A viewer that receives since second 10."""
    witness = Witness(at, SECRET)
    witness.watch("w1", "l1", "m1")
    witness.receive(ViewerReceiving("w1", 10.0))
    return witness


def bodies(told: list[Told]) -> list[Body]:
    return [each.body for each in told]


def test_receiving_begins_with_the_first_valid_report() -> None:
    witness = Witness(at, SECRET)
    witness.watch("w1", "l1", "m1")
    (told,) = witness.receive(ViewerReceiving("w1", 10.5))
    assert told == Told("l1", ReceivingBegan("m1", "w1", Evidence.REPORTED, at(10.5)), at(10.5))
    assert witness.receive(ViewerReceiving("w1", 11.0)) == []
    assert witness.receiving("l1") == {"m1"}


def test_a_stall_ends_it_at_the_last_report() -> None:
    witness = receiving()
    (told,) = witness.receive(ViewerStalled("w1", 25.0, 20.0))
    assert told == Told("l1", ReceivingStopped("m1", "w1", at(20.0), "stalled"), at(25.0))
    assert bodies(witness.receive(ViewerReceiving("w1", 30.0))) == [
        ReceivingBegan("m1", "w1", Evidence.REPORTED, at(30.0))
    ]


def test_a_clean_end_is_evidence_itself() -> None:
    for reason in (Closing.DELETED, Closing.CLOSED):
        witness = receiving()
        assert witness.receive(ViewerStalled("w1", 22.0, 19.5)) == []
        (told,) = witness.receive(PeerClosed("w1", reason, 22.0, 21.9))
        assert told.body == ReceivingStopped("m1", "w1", at(22.0), reason.value)
        assert len(witness) == 0


def test_a_clean_end_long_after_the_last_report_is_not() -> None:
    witness = receiving()
    witness.receive(ViewerStalled("w1", 22.0, 18.5))
    (told,) = witness.receive(PeerClosed("w1", Closing.DELETED, 22.0, 21.9))
    assert told.body == ReceivingStopped("m1", "w1", at(18.5), "deleted")


def test_a_vanished_viewer_ends_at_its_last_report() -> None:
    witness = receiving()
    witness.receive(ViewerStalled("w1", 22.0, 20.5))
    (told,) = witness.receive(PeerClosed("w1", Closing.REPLACED, 22.0, 21.9))
    assert told.body == ReceivingStopped("m1", "w1", at(20.5), "replaced")


def test_an_end_after_a_stall_says_nothing_more() -> None:
    witness = receiving()
    witness.receive(ViewerStalled("w1", 25.0, 20.0))
    assert witness.receive(PeerClosed("w1", Closing.SILENT, 35.0, 20.0)) == []


def test_a_dead_relay_is_our_outage_and_ends_everything() -> None:
    witness = receiving()
    told = witness.receive(RelayDown(40.0), ("l1", "l2"))
    assert bodies(told) == [
        OutageBegan("relay", at(40.0)),
        OutageBegan("relay", at(40.0)),
        ReceivingStopped("m1", "w1", at(40.0), "relay-down"),
    ]
    assert [each.lecture for each in told] == ["l1", "l2", "l1"]
    assert witness.peers("l1") == ()
    assert witness.receive(ViewerReceiving("w1", 41.0)) == []
    assert bodies(witness.receive(RelayUp(42.0), ("l1",))) == [OutageEnded("relay")]


def test_a_member_counts_once_and_the_stage_does_not() -> None:
    witness = Witness(at, SECRET)
    for peer, member, audience in (("w1", "m1", True), ("w2", "m1", True), ("w3", "dean", False)):
        witness.watch(peer, "l1", member, audience)
        witness.receive(ViewerReceiving(peer, 1.0))
    assert witness.receiving("l1") == {"m1"}
    assert len(witness.of("l1", "m1")) == 2


def test_a_beat_speaks_only_for_those_who_received_at_its_moment() -> None:
    witness = receiving()
    witness.watch("w2", "l1", "m2")
    witness.receive(ViewerReceiving("w2", 30.0))
    witness.watch("w3", "l1", "m3")
    assert witness.bits("l1", at(20.0)) == {"w1": 2}
    assert witness.bits("l1", at(30.0)) == {"w1": 2, "w2": 2}


def test_a_missing_codec_is_told_once() -> None:
    witness = receiving()
    (told,) = witness.receive(ViewerLacksCodec("w1", "lecturer", Codec.H264))
    assert told.body == JoinFailed("m1", "no-codec", "lecturer: h264")
    assert witness.receive(ViewerLacksCodec("w1", "lecturer", Codec.H264)) == []


def test_peers_that_nobody_announced_leave_no_facts() -> None:
    witness = Witness(at, SECRET)
    assert witness.receive(ViewerReceiving("x", 1.0)) == []
    assert witness.receive(ViewerStalled("x", 9.0, 1.0)) == []
    assert witness.receive(PeerClosed("x", Closing.DELETED, 9.0, 9.0)) == []


# --- proofs ---------------------------------------------------------------------------------------------------------


def mark(period: int, peer: str = "w1", lecture: str = "l1") -> int:
    return mark_of(key_of(SECRET, lecture), peer, period)


def began(evidence: Evidence, since: float) -> ReceivingBegan:
    return ReceivingBegan("m1", "w1", evidence, at(since))


def test_an_echoed_mark_proves_its_period() -> None:
    witness = receiving()
    (told,) = witness.prove("l1", "m1", "w1", [mark(1)], 12.0)
    assert told == Told("l1", began(Evidence.PROVED, 10.0), at(12.0))
    assert witness.prove("l1", "m1", "w1", [mark(1), mark(2)], 27.0) == []
    assert witness.bits("l1", at(30.0)) == {"w1": Bits.REPORTED | Bits.PROVED}


def test_what_was_received_before_the_period_stays_reported() -> None:
    witness = receiving()
    (told,) = witness.prove("l1", "m1", "w1", [mark(4), mark(3)], 44.0)
    assert told.body == began(Evidence.PROVED, 30.0)


def test_a_period_without_an_echo_is_reported() -> None:
    witness = receiving()
    witness.prove("l1", "m1", "w1", [mark(1)], 12.0)
    told = witness.prove("l1", "m1", "w1", [mark(3)], 31.0)
    assert bodies(told) == [began(Evidence.REPORTED, 20.0), began(Evidence.PROVED, 30.0)]


def test_without_echoes_the_evidence_lapses() -> None:
    witness = receiving()
    witness.prove("l1", "m1", "w1", [mark(1)], 12.0)
    assert witness.lapse("l1", 49.9) == []  # the mark of period 2 may still come
    assert bodies(witness.lapse("l1", 50.0)) == [began(Evidence.REPORTED, 20.0)]
    assert witness.lapse("l1", 60.0) == []
    assert witness.bits("l1", at(60.0)) == {"w1": Bits.REPORTED}
    assert bodies(witness.prove("l1", "m1", "w1", [mark(6)], 61.0)) == [began(Evidence.PROVED, 60.0)]


def test_the_seconds_after_the_last_proved_period_are_reported() -> None:
    witness = receiving()
    witness.prove("l1", "m1", "w1", [mark(1)], 12.0)
    told = witness.receive(PeerClosed("w1", Closing.DELETED, 24.0, 23.5))
    assert bodies(told)[0] == began(Evidence.REPORTED, 20.0)
    assert isinstance(told[1].body, ReceivingStopped)


def test_a_dead_relay_leaves_nothing_proved_that_was_not() -> None:
    witness = receiving()
    witness.prove("l1", "m1", "w1", [mark(1)], 12.0)
    told = bodies(witness.receive(RelayDown(24.0), ("l1",)))
    assert told[:2] == [began(Evidence.REPORTED, 20.0), OutageBegan("relay", at(24.0))]
    assert isinstance(told[2], ReceivingStopped)


def test_an_end_within_the_proved_period_is_one_end() -> None:
    witness = receiving()
    witness.prove("l1", "m1", "w1", [mark(1)], 12.0)
    (told,) = witness.receive(RelayDown(19.0))
    assert isinstance(told.body, ReceivingStopped)


def test_who_does_not_receive_proves_nothing() -> None:
    """Heartbeats with marks from before, while no media comes."""
    witness = receiving()
    witness.receive(ViewerStalled("w1", 25.0, 20.0))
    assert witness.prove("l1", "m1", "w1", [mark(1), mark(2)], 26.0) == []
    witness.receive(ViewerReceiving("w1", 31.0))
    assert witness.prove("l1", "m1", "w1", [mark(2)], 32.0) == []


def test_marks_of_others_old_and_invented_ones_prove_nothing() -> None:
    witness = receiving()
    witness.watch("w2", "l1", "m2")
    witness.receive(ViewerReceiving("w2", 10.0))
    echoed = mark(1, "w2")
    assert witness.prove("l1", "m1", "w1", [echoed], 12.0) == []  # replayed from another's page
    assert witness.prove("l1", "m1", "w2", [echoed], 12.0) == []  # for another's viewer
    assert witness.prove("l2", "m1", "w1", [mark(1)], 12.0) == []
    assert witness.prove("l1", "m1", "w1", [mark(1, lecture="l2"), 0, 1, 2**32 - 1, 2**63], 12.0) == []
    assert witness.prove("l1", "m1", "w1", [mark(1)], 40.0) == []  # two periods are over since
    assert witness.prove("l1", "m1", "w1", [mark(2)], 12.0) == []  # not sent yet
    assert witness.prove("l1", "m1", "gone", [mark(1)], 12.0) == []
    assert witness.bits("l1", at(30.0)) == {"w1": Bits.REPORTED, "w2": Bits.REPORTED}


def test_whom_sound_reaches_is_known_as_long_as_media_does() -> None:
    witness = receiving()
    assert witness.hearing("l1") == frozenset()
    witness.receive(ViewerHearing("w1", 21.0, True))
    assert witness.hearing("l1") == witness.receiving("l1") != frozenset()
    witness.receive(ViewerStalled("w1", 25.0, 20.0))
    assert witness.hearing("l1") == frozenset()
