"""Where a key frame begins: VP8 (RFC 7741 §4.2, §4.3) and H.264 (RFC 6184 §5).

A payload too short to tell is no key frame; nothing here raises.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from signaling.session.offer import Codec

SLICE, IDR, SPS, PPS, STAP_A, FU_A = 1, 5, 7, 8, 24, 28
LARGEST_PARAMETERS = 1100  # bytes of an aggregation packet that fits a datagram
B_SLICES = (1, 6)  # slice_type in a slice header (H.264 §7.4.3)


class Look(NamedTuple):
    """What one payload tells. `parameters`: an aggregation packet that must go before it, for it lacks them."""

    starts: bool = False
    parameters: bytes | None = None
    b_slice: bool = False


NOTHING = Look()
START = Look(starts=True)


class Finder(Protocol):
    """Looks at the payloads of one track, in the order of arrival."""

    def look(self, timestamp: int, payload: bytes) -> Look: ...


class Vp8Finder:
    def look(self, timestamp: int, payload: bytes) -> Look:
        return START if vp8_starts(payload) else NOTHING


class OpusFinder:
    """Every Opus packet stands for itself."""

    def look(self, timestamp: int, payload: bytes) -> Look:
        return START if payload else NOTHING


class H264Finder:
    """Keeps the parameter sets, for encoders that send them once and viewers that come later.

    A key frame begins at the first packet of a timestamp that holds an SPS or an IDR slice. (An SPS without an IDR
    slice is how a stream with intra refresh says that one may begin here.) An IDR slice without parameter sets, when
    none are known, begins nothing.
    """

    def __init__(self) -> None:
        self._sets: dict[int, bytes] = {}
        self._started: int | None = None  # timestamp of the last key frame
        self._complete: dict[int, int] = {}  # unit type → timestamp at which it was last seen

    def look(self, timestamp: int, payload: bytes) -> Look:
        units = h264_units(payload)
        kinds = {kind for kind, _, _ in units}
        for kind, unit, whole in units:
            if kind in (SPS, PPS) and whole:
                self._sets[kind] = unit
                self._complete[kind] = timestamp
        if not kinds & {SPS, IDR} or self._started == timestamp:
            return Look(b_slice=any(kind == SLICE and h264_slice_type(unit) in B_SLICES for kind, unit, _ in units))
        lacks = IDR in kinds and any(self._complete.get(kind) != timestamp for kind in (SPS, PPS))
        parameters = self._aggregate() if lacks else None
        if lacks and parameters is None:
            return NOTHING  # nobody could decode from here; the sets may have been overtaken
        self._started = timestamp
        return Look(starts=True, parameters=parameters)

    def _aggregate(self) -> bytes | None:
        """SPS and PPS as one STAP-A, with the highest importance (nal_ref_idc) of the two."""
        units = [self._sets.get(SPS), self._sets.get(PPS)]
        if units[0] is None or units[1] is None:
            return None
        body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units if unit is not None)
        if len(body) > LARGEST_PARAMETERS:
            return None
        return bytes([max(units[0][0], units[1][0]) & 0x60 | STAP_A]) + body


FINDERS: dict[Codec, type[Vp8Finder | H264Finder | OpusFinder]] = {
    Codec.VP8: Vp8Finder,
    Codec.H264: H264Finder,
    Codec.OPUS: OpusFinder,
}


def vp8_starts(payload: bytes) -> bool:
    """Whether this is the first packet of a key frame: S=1, PID=0, and the frame's inverse key bit P=0."""
    if len(payload) < 2 or payload[0] & 0x17 != 0x10:
        return False
    place = 1
    if payload[0] & 0x80:
        extension = payload[1]
        place = 2
        if extension & 0x80:
            place += 2 if len(payload) > place and payload[place] & 0x80 else 1
        place += bool(extension & 0x40) + bool(extension & 0x30)
    return len(payload) > place and not payload[place] & 0x01


def h264_units(payload: bytes) -> list[tuple[int, bytes, bool]]:
    """(type, bytes from the NAL header on, whole?) of each unit that begins in this payload."""
    if not payload:
        return []
    kind = payload[0] & 0x1F
    if kind == FU_A:
        if len(payload) < 3 or not payload[1] & 0x80:
            return []
        return [(payload[1] & 0x1F, bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:18], False)]
    if kind != STAP_A:
        return [(kind, payload, True)] if 1 <= kind <= 23 else []
    units = []
    place = 1
    while place + 2 < len(payload):
        size = int.from_bytes(payload[place : place + 2], "big")
        unit = payload[place + 2 : place + 2 + size]
        if not size or len(unit) < size:
            break
        units.append((unit[0] & 0x1F, unit, True))
        place += 2 + size
    return units


def h264_slice_type(unit: bytes) -> int | None:
    """slice_type of a slice's header: the second Exp-Golomb number after the NAL header (H.264 §7.3.3, §9.1)."""
    bits = "".join(f"{byte:08b}" for byte in unit[1:9])
    value = None
    for _ in range(2):
        zeros = len(bits) - len(bits.lstrip("0"))
        code, bits = bits[zeros : 2 * zeros + 1], bits[2 * zeros + 1 :]
        if len(code) != zeros + 1:
            return None
        value = int(code, 2) - 1
    return value
