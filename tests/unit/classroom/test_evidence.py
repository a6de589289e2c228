from __future__ import annotations

from attendance.facts import Body, Evidence, JoinFailed, OutageBegan, OutageEnded, ReceivingBegan, ReceivingStopped
from classroom.evidence import Told, Witness
from signaling.control import Closing, PeerClosed, ViewerLacksCodec, ViewerReceiving, ViewerStalled
from signaling.ports import RelayDown, RelayUp
from signaling.session.offer import Codec

BASE = 1_800_000_000_000_000


def at(monotonic: float) -> int:
    return BASE + round(monotonic * 1_000_000)


def receiving() -> Witness:
    """A viewer that receives since second 10."""
    witness = Witness(at)
    witness.watch("w1", "l1", "m1")
    witness.receive(ViewerReceiving("w1", 10.0))
    return witness


def bodies(told: list[Told]) -> list[Body]:
    return [each.body for each in told]


def test_receiving_begins_with_the_first_valid_report() -> None:
    witness = Witness(at)
    witness.watch("w1", "l1", "m1")
    (told,) = witness.receive(ViewerReceiving("w1", 10.5))
    assert told == Told("l1", ReceivingBegan("m1", "w1", Evidence.REPORTED, at(10.5)), at(10.5))
    assert witness.receive(ViewerReceiving("w1", 11.0)) == []
    assert witness.receiving("l1") == 1


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
    witness = Witness(at)
    for peer, member, audience in (("w1", "m1", True), ("w2", "m1", True), ("w3", "dean", False)):
        witness.watch(peer, "l1", member, audience)
        witness.receive(ViewerReceiving(peer, 1.0))
    assert witness.receiving("l1") == 1
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
    witness = Witness(at)
    assert witness.receive(ViewerReceiving("x", 1.0)) == []
    assert witness.receive(ViewerStalled("x", 9.0, 1.0)) == []
    assert witness.receive(PeerClosed("x", Closing.DELETED, 9.0, 9.0)) == []
