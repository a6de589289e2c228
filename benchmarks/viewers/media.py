"""The stream of every measurement, packet by packet: known bytes at known times.

Sound: 50 packets a second of Opus. Picture: 28.5 frames a second, 114 packets of 1,100 bytes a second on the average (1
Mbit/s); a key frame of 80 packets every four seconds, the other frames three or four packets. Everything is a function
of a seed and of the packet's place, except the time of sending, which the payload carries; so whoever decrypts a packet
can tell whether each byte is right.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

TABLE = 1 << 17
"""Places of the tables of times, by index modulo this: 43 minutes of sound."""
AUDIO, VIDEO = 0, 1
AUDIO_EVERY = 0.02  # seconds
VIDEO_STEP = 3_158  # of 90,000 a second: 28.5 frames
VIDEO_EVERY = VIDEO_STEP / 90_000
STEPS = (960, VIDEO_STEP)
"""Timestamp units from one index to the next: a packet of sound, a frame of picture."""
KEY_EVERY = 114  # frames
KEY_PACKETS = 80
PACKETS_A_GROUP = 456  # 114 a second over four seconds
AUDIO_PAYLOAD, VIDEO_PAYLOAD = 100, 1_088
HEADER = 12
LABEL_AT = 32
"""Where in a payload the label is."""

_LABEL = struct.Struct("!4sBBHLLQ")  # magic, kind, key frame, place in the frame, index, number, ns of sending
_MAGIC = b"view"
_RTP = struct.Struct("!BBHLL")
_FILLING = 4_096

# RFC 7741 §4.2 and RFC 6386 §9.1: descriptor, frame tag, start code, 640 × 360
_VP8_KEY = bytes([0x10, 0x50, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01])
_VP8_DELTA = bytes([0x10, 0x51, 0x02, 0x00])
_VP8_MORE = bytes([0x00])
# RFC 6184 §5.7.1, §5.8: parameter sets and an SEI that fills the packet; then fragments of one slice
_SPS = bytes([0x67, 0x42, 0xE0, 0x1F, 0xDA, 0x02, 0x80, 0xBF, 0xE5, 0xC0])
_PPS = bytes([0x68, 0xCE, 0x3C, 0x80])


@dataclass(frozen=True, slots=True)
class Label:
    """What a payload says of itself."""

    kind: int
    key: bool
    place: int
    index: int
    number: int
    sent: int


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    index: int
    number: int
    place: int
    marker: bool
    key: bool


def frame_packets(place_in_group: int) -> int:
    """Packets of a frame, by its place since the key frame: the mean over a group is 114 a second."""
    if place_in_group == 0:
        return KEY_PACKETS
    deltas, packets = KEY_EVERY - 1, PACKETS_A_GROUP - KEY_PACKETS
    return place_in_group * packets // deltas - (place_in_group - 1) * packets // deltas


def frame(index: int, first_number: int, place_in_group: int) -> Iterator[Packet]:
    """`place_in_group` 0 makes a key frame, also out of turn."""
    count = frame_packets(place_in_group)
    for place in range(count):
        yield Packet(VIDEO, index, first_number + place, place, place == count - 1, place_in_group == 0)


def sound(index: int) -> Packet:
    return Packet(AUDIO, index, index, 0, False, False)


class Stream:
    """Builds and checks packets. `codec`: "vp8" or "h264"."""

    def __init__(self, seed: int, codec: str) -> None:
        self._filling = random.Random(seed).randbytes(_FILLING + VIDEO_PAYLOAD)
        self._h264 = codec == "h264"

    def payload(self, label: Label, marker: bool) -> bytes:
        size = AUDIO_PAYLOAD if label.kind == AUDIO else VIDEO_PAYLOAD
        start = (label.number * 37) % _FILLING
        body = bytearray(self._filling[start : start + size])
        head = self._head(label, marker, size)
        body[: len(head)] = head
        _LABEL.pack_into(
            body,
            LABEL_AT,
            _MAGIC,
            label.kind,
            label.key,
            label.place,
            label.index,
            label.number & 0xFFFFFFFF,
            label.sent,
        )
        return bytes(body)

    def rtp(self, packet: Packet, payload_type: int, ssrc: int, sent: int) -> bytes:
        label = Label(packet.kind, packet.key, packet.place, packet.index, packet.number, sent)
        header = _RTP.pack(
            0x80,
            packet.marker << 7 | payload_type,
            packet.number & 0xFFFF,
            packet.index * STEPS[packet.kind] & 0xFFFFFFFF,
            ssrc,
        )
        return header + self.payload(label, packet.marker)

    def _head(self, label: Label, marker: bool, size: int) -> bytes:
        if label.kind == AUDIO:
            return bytes([0x78])  # RFC 6716 §3.1: CELT, fullband, 20 ms, mono, one frame
        if self._h264:
            return self._h264_head(label, marker, size)
        if label.place:
            return _VP8_MORE
        return _VP8_KEY if label.key else _VP8_DELTA

    def _h264_head(self, label: Label, marker: bool, size: int) -> bytes:
        if label.key and label.place == 0:
            sets = bytes([0x78]) + b"".join(len(one).to_bytes(2, "big") + one for one in (_SPS, _PPS))
            return sets + (size - len(sets) - 2).to_bytes(2, "big") + bytes([0x06])
        first = label.place == (1 if label.key else 0)
        fragment = (0x05 if label.key else 0x01) | first << 7 | marker << 6
        slice_header = bytes([0x88 if label.key else 0x9A]) if first else b""  # slice_type 7 (I) or 5 (P)
        return bytes([0x7C if label.key else 0x5C, fragment]) + slice_header


def read_label(payload: bytes) -> Label | None:
    """None: not one of ours."""
    if len(payload) < LABEL_AT + _LABEL.size:
        return None
    magic, kind, key, place, index, number, sent = _LABEL.unpack_from(payload, LABEL_AT)
    return Label(kind, bool(key), place, index, number, sent) if magic == _MAGIC else None
