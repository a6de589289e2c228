"""A sample of viewers decrypts every packet and compares it, byte by byte, with what the publisher sent."""

from __future__ import annotations

from pylibsrtp import Error, Session

from benchmarks.viewers.media import STEPS, Stream, read_label

COMPLAINTS = 20
_REPEATED = ("replay", "old")  # libsrtp's words for a packet that was there already, or lies before its window


class Verifier:
    """`origins`: the RTP timestamp of index 0, by SSRC; `latest`: the same by kind, of the SSRC learned last."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._numbers: dict[tuple[int, int], int] = {}  # (viewer, SSRC) → its number less the publisher's
        self.origins: dict[int, int] = {}
        self.latest: dict[int, int] = {}
        self.checked = 0
        self.wrong = 0
        """Packets with another byte than was sent, that do not decrypt, or whose timestamp does not fit."""
        self.repeated = 0
        self.foreign = 0
        """Packets of another publisher."""
        self.renumbered = 0
        """How often the distance between a viewer's numbers and the publisher's changed: something was dropped before
        it was numbered, or a source or layer was switched."""
        self.complaints: list[str] = []

    def receive(self, viewer: int, session: Session, datagram: bytes) -> None:
        try:
            packet = session.unprotect(datagram)
        except (Error, ValueError) as error:
            if any(word in str(error) for word in _REPEATED):
                self.repeated += 1
            else:
                self._complain(f"viewer {viewer}: {error}")
            return
        start = payload_start(packet)
        payload = packet[start : -packet[-1]] if packet[0] & 0x20 else packet[start:]  # RFC 3550 §5.1: padding
        label = read_label(payload)
        if label is None:
            self.foreign += 1
            return
        self.checked += 1
        number, ssrc = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")
        timestamp = int.from_bytes(packet[4:8], "big")
        if payload != self._stream.payload(label, bool(packet[1] & 0x80)):
            self._complain(f"viewer {viewer}, SSRC {ssrc}, number {number}: the payload of {label} was changed")
        origin = (timestamp - label.index * STEPS[label.kind]) & 0xFFFFFFFF
        if self.origins.setdefault(ssrc, origin) != origin:
            self._complain(f"viewer {viewer}, SSRC {ssrc}, number {number}: timestamp {timestamp} does not fit {label}")
            self.origins[ssrc] = origin
        self.latest[label.kind] = origin
        distance = (number - label.number) & 0xFFFF
        if self._numbers.setdefault((viewer, ssrc), distance) != distance:
            self.renumbered += 1
            self._numbers[viewer, ssrc] = distance

    def forget(self, viewer: int) -> None:
        for key in [key for key in self._numbers if key[0] == viewer]:
            del self._numbers[key]

    def _complain(self, text: str) -> None:
        self.wrong += 1
        if len(self.complaints) < COMPLAINTS:
            self.complaints.append(text)


def payload_start(packet: bytes) -> int:
    """RFC 3550 §5.1: after the fixed header, its contributing sources and its extension."""
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return start
