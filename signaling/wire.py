"""The only door to aioice's STUN codec and to aiortc's codecs of RTP, RTCP and SDP.

Every parser here returns, or raises `ProtocolError`, and nothing else. What the codecs leave open is closed here: the
magic cookie, sizes, numbers that wrap around.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from aioice import stun
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RR,
    RTCP_RTPFB_NACK,
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    RtpPacket,
    clamp_packets_lost,
    pack_remb_fci,
    unpack_remb_fci,
)
from aiortc.sdp import DTLS_ROLE_SETUP
from aiortc.sdp import MediaDescription as MediaDescription
from aiortc.sdp import SessionDescription as SessionDescription

from signaling.errors import ProtocolError
from signaling.ports import Address

LARGEST_STUN = 1500  # bytes; no check comes near it, and parsing stays cheap
LARGEST_DATAGRAM = 2048  # bytes of RTP or RTCP
SDES_CNAME = 1  # RFC 3550 §6.5.1

_FINGERPRINT = b"\x80\x28\x00\x04"  # the attribute's type and length; the codec does not insist on the length

# What the codecs raise for bytes they cannot read.
_UNREADABLE = (ValueError, struct.error, IndexError, KeyError, OverflowError, AssertionError, TypeError)


# --- STUN (RFC 8489), as ICE uses it (RFC 8445 §7) ------------------------------------------------------------------


class StunMessage:
    """A parsed STUN binding message. Nothing in it is to be believed before `authentic` says so."""

    __slots__ = ("_closed", "_message")

    def __init__(self, message: stun.Message, closed: bool) -> None:
        self._message = message
        self._closed = closed  # ends with a FINGERPRINT, which fits

    @property
    def transaction(self) -> bytes:
        return self._message.transaction_id

    @property
    def is_request(self) -> bool:
        return self._message.message_class is stun.Class.REQUEST

    @property
    def is_success(self) -> bool:
        return self._message.message_class is stun.Class.RESPONSE

    @property
    def username(self) -> str:
        """USERNAME, or the empty string."""
        return str(self._message.attributes.get("USERNAME", ""))

    @property
    def nominates(self) -> bool:
        return "USE-CANDIDATE" in self._message.attributes

    @property
    def mapped_address(self) -> Address | None:
        address: Address | None = self._message.attributes.get("XOR-MAPPED-ADDRESS")
        return address

    def authentic(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with this password, and FINGERPRINT closes the message. ICE demands both
        in every check (RFC 8445 §7.1)."""
        return self._closed and self._message.check_message_integrity(password.encode())


def parse_stun(data: bytes) -> StunMessage:
    if len(data) > LARGEST_STUN:
        raise ProtocolError("STUN message is too large")
    try:
        message = stun.parse_message(data)
    except _UNREADABLE as error:
        raise ProtocolError(f"STUN: {error}") from error
    if data[4:8] != stun.COOKIE.to_bytes(4, "big"):
        raise ProtocolError("STUN: no magic cookie")
    if message.message_method is not stun.Method.BINDING:
        raise ProtocolError("STUN: not a binding message")
    return StunMessage(message, "FINGERPRINT" in message.attributes and data[-8:-4] == _FINGERPRINT)


def pack_binding_response(request: StunMessage, source: Address, password: str) -> bytes:
    """A success response: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT."""
    response = stun.Message(
        stun.Method.BINDING,
        stun.Class.RESPONSE,
        transaction_id=request.transaction,
        attributes={"XOR-MAPPED-ADDRESS": source},
    )
    response.add_message_integrity(password.encode())
    return bytes(response)


def pack_binding_request(transaction: bytes, username: str, password: str, tie_breaker: int) -> bytes:
    """Our own check, as the controlled side (RFC 8445 §7.1)."""
    request = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        transaction_id=transaction,
        attributes={"USERNAME": username, "PRIORITY": 0x6E0001FF, "ICE-CONTROLLED": tie_breaker},
    )
    request.add_message_integrity(password.encode())
    return bytes(request)


# --- RTP (RFC 3550 §5.1) and its header extensions (RFC 8285) --------------------------------------------------------


class Rtp(NamedTuple):
    """What the relay reads of a packet. `payload` has no padding; CSRCs are left behind, and of the header extensions
    all but these: `rid` and `repaired` (RFC 8852), `wide`, the transport-wide number of 16 bits (draft-holmer)."""

    payload_type: int
    marker: int
    number: int
    timestamp: int
    ssrc: int
    payload: bytes
    rid: str | None = None
    repaired: str | None = None
    wide: int | None = None


class Extensions:
    """Which header extension has which id, for one bundle (RFC 8285 §5: an id means the same on each of its lines).

    The codec reads both forms, of one byte and of two."""

    __slots__ = ("_map",)

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._map = HeaderExtensionsMap()
        self._map.configure(
            RTCRtpParameters(
                headerExtensions=[RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in ids.items()]
            )
        )

    def parse(self, data: bytes) -> RtpPacket:
        return RtpPacket.parse(data, self._map)


NO_EXTENSIONS = Extensions({})


def parse_rtp(data: bytes, extensions: Extensions = NO_EXTENSIONS) -> Rtp:
    if len(data) > LARGEST_DATAGRAM:
        raise ProtocolError("RTP packet is too large")
    try:
        packet = extensions.parse(data)
    except _UNREADABLE as error:
        raise ProtocolError(f"RTP: {error}") from error
    return Rtp(
        packet.payload_type,
        packet.marker,
        packet.sequence_number,
        packet.timestamp,
        packet.ssrc,
        packet.payload,
        packet.extensions.rtp_stream_id,
        packet.extensions.repaired_rtp_stream_id,
        packet.extensions.transport_sequence_number,
    )


_RTP_HEADER = struct.Struct("!BBHLL")


def pack_rtp(
    payload_type: int,
    marker: int,
    number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    contributing: int | None = None,
    multiple: int = 1,
) -> bytes:
    """A packet without extensions, with one contributing source or none; numbers are taken modulo their sizes. It is
    padded to a `multiple` of bytes, 255 at most (RFC 3550 §5.1: the P bit, and the last byte counts the padding)."""
    length = 12 + len(payload) + (0 if contributing is None else 4)
    padding = -length % multiple
    header = _RTP_HEADER.pack(
        (0x80 if contributing is None else 0x81) | (0x20 if padding else 0),
        marker << 7 | payload_type,
        number & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc & 0xFFFFFFFF,
    )
    sources = b"" if contributing is None else contributing.to_bytes(4, "big")
    filling = padding.to_bytes(padding, "big") if padding else b""
    return header + sources + payload + filling


# --- RTCP (RFC 3550 §6, RFC 4585, RFC 5104) -------------------------------------------------------------------------


class ReportBlock(msgspec.Struct, frozen=True):
    """One reception report (RFC 3550 §6.4.1): `highest` is extended, `lsr` and `dlsr` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


class SenderReport(msgspec.Struct, frozen=True):
    ssrc: int
    ntp: int  # 32.32 seconds since 1900
    timestamp: int
    packets: int
    octets: int


class ReceiverReports(msgspec.Struct, frozen=True):
    """The reception blocks of one SR or RR."""

    blocks: tuple[ReportBlock, ...]


class Nack(msgspec.Struct, frozen=True):
    ssrc: int
    numbers: tuple[int, ...]


class KeyFrameAsked(msgspec.Struct, frozen=True):
    """PLI, or one entry of a FIR."""

    ssrc: int


class Remb(msgspec.Struct, frozen=True):
    bitrate: int  # bits a second
    ssrcs: tuple[int, ...]


class Goodbye(msgspec.Struct, frozen=True):
    ssrcs: tuple[int, ...]


Feedback = SenderReport | ReceiverReports | Nack | KeyFrameAsked | Remb | Goodbye


def parse_rtcp(data: bytes) -> list[Feedback]:
    """A compound packet, less what the relay has no use for (SDES, unknown feedback)."""
    if not data:
        raise ProtocolError("RTCP packet is empty")
    if len(data) > LARGEST_DATAGRAM:
        raise ProtocolError("RTCP packet is too large")
    found, rest = _plain_report(data)
    try:
        for packet in RtcpPacket.parse(rest):
            found += _feedback(packet)
    except _UNREADABLE as error:
        raise ProtocolError(f"RTCP: {error}") from error
    return found


_REPORT_BLOCK = struct.Struct("!LB3sLLLL")
_REPORT_HEADER = 8


def _plain_report(data: bytes) -> tuple[list[Feedback], bytes]:
    """The receiver report that a compound begins with, and what follows it: nearly all that a thousand viewers send, at
    a fifth of the codec's time. Whatever is written otherwise is left to the codec."""
    count = data[0] & 0x1F
    end = _REPORT_HEADER + _REPORT_BLOCK.size * count
    if data[0] & 0xE0 != 0x80 or data[1:4] != bytes((RTCP_RR, 0, end // 4 - 1)) or len(data) < end:
        return [], data
    blocks = tuple(
        ReportBlock(ssrc, fraction_lost, int.from_bytes(lost, "big", signed=True), highest, jitter, lsr, dlsr)
        for ssrc, fraction_lost, lost, highest, jitter, lsr, dlsr in _REPORT_BLOCK.iter_unpack(data[8:end])
    )
    return [ReceiverReports(blocks)], data[end:]


def _feedback(packet: object) -> Iterable[Feedback]:
    if isinstance(packet, RtcpSrPacket):
        info = packet.sender_info
        yield SenderReport(packet.ssrc, info.ntp_timestamp, info.rtp_timestamp, info.packet_count, info.octet_count)
        yield ReceiverReports(tuple(map(_block, packet.reports)))
    elif isinstance(packet, RtcpRrPacket):
        yield ReceiverReports(tuple(map(_block, packet.reports)))
    elif isinstance(packet, RtcpRtpfbPacket):
        if packet.fmt == RTCP_RTPFB_NACK:
            # The codec counts on from the packet id without wrapping around.
            yield Nack(packet.media_ssrc, tuple(number & 0xFFFF for number in packet.lost))
    elif isinstance(packet, RtcpByePacket):
        yield Goodbye(tuple(packet.sources))
    elif isinstance(packet, RtcpPsfbPacket):
        yield from _payload_feedback(packet)


def _payload_feedback(packet: RtcpPsfbPacket) -> Iterable[Feedback]:
    if packet.fmt == RTCP_PSFB_PLI:
        yield KeyFrameAsked(packet.media_ssrc)
    elif packet.fmt == RTCP_PSFB_FIR:
        for entry in range(0, len(packet.fci) - 7, 8):
            yield KeyFrameAsked(int.from_bytes(packet.fci[entry : entry + 4], "big"))
    elif packet.fmt == RTCP_PSFB_APP and packet.fci[:4] == b"REMB":
        bitrate, ssrcs = unpack_remb_fci(packet.fci)
        yield Remb(bitrate, tuple(ssrcs))


def _block(info: RtcpReceiverInfo) -> ReportBlock:
    return ReportBlock(
        info.ssrc, info.fraction_lost, info.packets_lost, info.highest_sequence, info.jitter, info.lsr, info.dlsr
    )


def pack_sender_report(report: SenderReport) -> bytes:
    info = RtcpSenderInfo(report.ntp, report.timestamp, report.packets & 0xFFFFFFFF, report.octets & 0xFFFFFFFF)
    return bytes(RtcpSrPacket(report.ssrc, info))


def pack_names(names: Iterable[tuple[int, str]]) -> bytes:
    """SDES with a CNAME for each (ssrc, name). Every chunk ends at a multiple of four bytes (RFC 3550 §6.5), so each
    goes in a packet of its own: the codec pads only the last chunk."""
    return b"".join(
        bytes(RtcpSdesPacket([RtcpSourceInfo(ssrc, [(SDES_CNAME, name.encode()[:255])])])) for ssrc, name in names
    )


def pack_receiver_report(sender: int, blocks: Sequence[ReportBlock]) -> bytes:
    infos = [
        RtcpReceiverInfo(
            block.ssrc,
            block.fraction_lost,
            clamp_packets_lost(block.lost),
            block.highest & 0xFFFFFFFF,
            min(block.jitter, 0xFFFFFFFF),
            block.lsr,
            block.dlsr,
        )
        for block in blocks[:31]
    ]
    return bytes(RtcpRrPacket(sender, infos))


def pack_nack(sender: int, ssrc: int, numbers: Sequence[int]) -> bytes:
    """Generic NACK (RFC 4585 §6.2.1) for 16-bit numbers in rising order, which may wrap around once.

    The codec cannot write a list that wraps: it is split there into two packets."""
    wrap = next((place for place in range(1, len(numbers)) if numbers[place] < numbers[place - 1]), len(numbers))
    return b"".join(
        bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, sender, ssrc, list(part)))
        for part in (numbers[:wrap], numbers[wrap:])
        if part
    )


def pack_pli(sender: int, ssrc: int) -> bytes:
    return bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, sender, ssrc))


def pack_remb(sender: int, bitrate: int, ssrcs: Sequence[int]) -> bytes:
    """REMB (draft-alvestrand-rmcat-remb-03), in bits a second."""
    return bytes(RtcpPsfbPacket(RTCP_PSFB_APP, sender, 0, pack_remb_fci(bitrate, list(ssrcs))))


# --- SDP (RFC 8866) -------------------------------------------------------------------------------------------------

SETUP_OF_ROLE = DTLS_ROLE_SETUP
"""How SDP names the DTLS role that a parsed description holds: "actpass", "active", "passive"."""


def parse_session(text: str) -> SessionDescription:
    """For text of checked size: the codec's time grows with the square of some attributes' number."""
    try:
        return SessionDescription.parse(text)
    except Exception as error:  # the codec asserts, indexes and converts freely
        raise ProtocolError(f"SDP: {type(error).__name__}") from error
