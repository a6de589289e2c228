"""Our reading and writing against the codecs' own classes."""

from __future__ import annotations

import struct

import pytest
from aioice import stun
from aiortc import rtp as aiortc_rtp

from signaling import wire
from signaling.errors import ProtocolError
from signaling.session.variant import MID, REPAIRED_RID, RID, TRANSPORT_WIDE_CC
from signaling.wire import Goodbye, KeyFrameAsked, Nack, ReceiverReports, Remb, ReportBlock, SenderReport

KEY = "a-password-of-22-chars"


def request(**more: object) -> bytes:
    message = stun.Message(
        stun.Method.BINDING, stun.Class.REQUEST, bytes(range(12)), {"USERNAME": "ours:theirs", "PRIORITY": 1, **more}
    )
    message.add_message_integrity(KEY.encode())
    return bytes(message)


def test_a_request_is_read() -> None:
    message = wire.parse_stun(request())
    assert message.is_request
    assert not message.is_success
    assert message.username == "ours:theirs"
    assert message.transaction == bytes(range(12))
    assert not message.nominates
    assert message.authentic(KEY)
    assert not message.authentic("another password")
    assert wire.parse_stun(request(**{"USE-CANDIDATE": None})).nominates


def test_integrity_and_fingerprint_are_both_needed() -> None:
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, bytes(12), {"USERNAME": "a:b"})
    assert not wire.parse_stun(bytes(bare)).authentic(KEY)
    bare.add_fingerprint()
    assert not wire.parse_stun(bytes(bare)).authentic(KEY)
    without = request()[:-8]
    without = without[:2] + struct.pack("!H", len(without) - 20) + without[4:]
    assert not wire.parse_stun(without).authentic(KEY)


@pytest.mark.parametrize("source", [("192.0.2.7", 40_000), ("2001:db8::5", 9)])
def test_a_response_is_understood_by_the_other_side(source: tuple[str, int]) -> None:
    found = stun.parse_message(wire.pack_binding_response(wire.parse_stun(request()), source, KEY))
    assert found.message_class is stun.Class.RESPONSE
    assert found.transaction_id == bytes(range(12))
    assert found.attributes["XOR-MAPPED-ADDRESS"] == source
    assert found.check_message_integrity(KEY.encode())
    assert "FINGERPRINT" in found.attributes
    assert wire.parse_stun(wire.pack_binding_response(wire.parse_stun(request()), source, KEY)).mapped_address == source


def test_our_own_check() -> None:
    found = stun.parse_message(wire.pack_binding_request(bytes(12), "theirs:ours", KEY, 99))
    assert found.attributes["USERNAME"] == "theirs:ours"
    assert found.attributes["ICE-CONTROLLED"] == 99
    assert found.check_message_integrity(KEY.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(20),
        request()[:-1],
        request()[:4] + b"\x00\x00\x00\x00" + request()[8:],  # no magic cookie
        bytes(wire.LARGEST_STUN + 4),
        b"\x00\x03" + request()[2:],  # ALLOCATE
    ],
)
def test_what_is_no_binding_message_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.parse_stun(data)


def test_rtp_as_aiortc_writes_it() -> None:
    extensions = aiortc_rtp.HeaderExtensionsMap()
    packet = aiortc_rtp.RtpPacket(96, 1, 65_535, 4_000_000_000, 7, b"payload")
    packet.csrc = [1, 2]
    packet.padding_size = 9
    assert wire.parse_rtp(packet.serialize(extensions)) == wire.Rtp(96, 1, 65_535, 4_000_000_000, 7, b"payload")


def test_rtp_with_an_extension_and_without_payload() -> None:
    header = bytes.fromhex("b06000010000000200000003")
    data = header + bytes.fromhex("bede000110aa0000") + bytes(3) + b"\x04"
    assert wire.parse_rtp(data).payload == b""


def extended(profile: bytes, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    packet = wire.pack_rtp(96, 0, 7, 1, 2, b"")
    return bytes([packet[0] | 0x10]) + packet[1:] + profile + (len(body) // 4).to_bytes(2, "big") + body + b"payload"


EXTENSIONS = wire.Extensions({MID: 4, RID: 10, REPAIRED_RID: 11, TRANSPORT_WIDE_CC: 3, "urn:other": 5})


@pytest.mark.parametrize(
    ("profile", "body"),
    [
        (b"\xbe\xde", b"\x401\x00\xa0q\xb0h\x50x\x31\x01\x02"),  # RFC 8285 §4.2: id and length in one byte
        (b"\x10\x00", b"\x04\x011\x0a\x01q\x00\x0b\x01h\x05\x00\x03\x02\x01\x02"),  # §4.3: in two bytes
    ],
)
def test_header_extensions_in_both_forms(profile: bytes, body: bytes) -> None:
    rtp = wire.parse_rtp(extended(profile, body), EXTENSIONS)
    assert (rtp.rid, rtp.repaired, rtp.wide, rtp.payload) == ("q", "h", 0x0102, b"payload")
    plain = wire.parse_rtp(extended(profile, body))
    assert (plain.rid, plain.repaired, plain.wide, plain.payload) == (None, None, None, b"payload")


@pytest.mark.parametrize(
    "body", [b"\xa9q", b"\xa0\xff", b"\x30\x01", b"\x32\x01\x02\x03", b"\xb3\x00\x80"], ids=lambda body: body.hex()
)
def test_header_extensions_of_a_wrong_shape_are_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.parse_rtp(extended(b"\xbe\xde", body), EXTENSIONS)


def test_rtp_as_we_write_it() -> None:
    found = aiortc_rtp.RtpPacket.parse(wire.pack_rtp(108, 1, 65_536 + 5, 2**32 + 6, 7, b"payload"))
    assert (found.payload_type, found.marker, found.sequence_number, found.timestamp, found.ssrc) == (108, 1, 5, 6, 7)
    assert found.payload == b"payload"
    assert found.csrc == []


@pytest.mark.parametrize("length", [1_058, 1_059, 1_060, 1_061])
@pytest.mark.parametrize("contributing", [None, 5])
def test_padding_is_counted_by_the_last_byte_and_is_not_payload(length: int, contributing: int | None) -> None:
    payload = bytes(range(1, 256)) * 5
    packet = wire.pack_rtp(96, 0, 1, 2, 3, payload[:length], contributing, multiple=4)
    assert len(packet) % 4 == 0
    assert len(packet) - length < 20
    assert bool(packet[0] & 0x20) == (length % 4 != 0)
    assert wire.parse_rtp(packet).payload == payload[:length]
    assert aiortc_rtp.RtpPacket.parse(packet).payload == payload[:length]


@pytest.mark.parametrize("data", [b"", bytes(12), b"\x80", b"\x8f" + bytes(11), b"\xa0" + bytes(11), bytes(3000)])
def test_what_is_no_rtp_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.parse_rtp(data)


BLOCK = ReportBlock(5, 64, -3, 70_000, 12, 0xABCD, 65_536)


def test_rtcp_goes_around() -> None:
    report = SenderReport(1, 0x1234_5678_9ABC_DEF0, 90_000, 10, 20)
    data = (
        wire.pack_sender_report(report)
        + wire.pack_names([(1, "lecturer"), (2, "a longer name")])
        + wire.pack_receiver_report(9, [BLOCK])
        + wire.pack_nack(9, 5, [65_534, 65_535, 0, 1, 100])
        + wire.pack_pli(9, 6)
        + wire.pack_remb(9, 2_500_000, [5, 6])
        + bytes(aiortc_rtp.RtcpByePacket([5]))
    )
    found = wire.parse_rtcp(data)
    assert found[0] == report
    assert found[1:3] == [ReceiverReports(()), ReceiverReports((BLOCK,))]
    assert [number for one in found if isinstance(one, Nack) for number in one.numbers] == [65_534, 65_535, 0, 1, 100]
    assert KeyFrameAsked(6) in found
    assert Remb(2_500_000, (5, 6)) in found
    assert found[-1] == Goodbye((5,))


def test_names_are_readable_by_aiortc() -> None:
    chunks = [
        (chunk.ssrc, chunk.items)
        for packet in aiortc_rtp.RtcpPacket.parse(wire.pack_names([(1, "a"), (2, "bcd")]))
        if isinstance(packet, aiortc_rtp.RtcpSdesPacket)
        for chunk in packet.chunks
    ]
    assert chunks == [(1, [(1, b"a")]), (2, [(1, b"bcd")])]


def test_a_nack_that_wraps_in_one_bitmap() -> None:
    data = bytes(aiortc_rtp.RtcpRtpfbPacket(1, 1, 2)) + b""
    data = data[:2] + b"\x00\x03" + data[4:] + struct.pack("!HH", 65_535, 0b11)
    assert wire.parse_rtcp(data) == [Nack(2, (65_535, 0, 1))]


def test_a_full_intra_request_names_each_source() -> None:
    fci = struct.pack("!LBxxxLBxxx", 7, 1, 8, 1)
    assert wire.parse_rtcp(bytes(aiortc_rtp.RtcpPsfbPacket(4, 1, 0, fci))) == [KeyFrameAsked(7), KeyFrameAsked(8)]


@pytest.mark.parametrize("data", [b"", b"\x80\xc9\x00\x09", b"\x00\xc9\x00\x00", b"\x80\xce\x00\x01aaaa", bytes(3000)])
def test_what_is_no_rtcp_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.parse_rtcp(data)
