"""SRTP through pylibsrtp's public API (RFC 3711, RFC 7714): a publisher's packets in, and the reference `Fanout`.

The reference is the oracle of the compiled packet path and its fallback. Each viewer has one outbound session which
sends a packet the first time and again: a resend through another session would have another rollover count. The policy
allows repeats (`allow_repeat_tx`), and its window is at least the ring of resends.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from pylibsrtp import Error, Policy, Session

from signaling.io.dtls_pyopenssl import PROFILES
from signaling.io.port_udp import UdpPort
from signaling.ports import Address, SrtpKeys
from signaling.proof import Marks

WINDOW = 2_048  # packets; the ring holds 1,024


def _policy(keys: SrtpKeys, ssrc_type: int) -> Policy:
    policy = Policy(key=keys.key_and_salt, ssrc_type=ssrc_type, srtp_profile=PROFILES[keys.profile].libsrtp_profile)
    policy.window_size = WINDOW
    return policy


def outbound_session(keys: SrtpKeys) -> Session:
    """A viewer's one context for all that is sent to it, the first time and again."""
    policy = _policy(keys, Policy.SSRC_ANY_OUTBOUND)
    policy.allow_repeat_tx = True
    return Session(policy)


class InboundSrtp:
    """What a peer sends us. A packet that is forged, repeated or too old gives None: each is the network's daily
    work, and none is worth an exception to the caller."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._session = Session(_policy(keys, Policy.SSRC_ANY_INBOUND))

    def rtp(self, datagram: bytes) -> bytes | None:
        try:
            return self._session.unprotect(datagram)
        except (Error, ValueError):
            return None

    def rtcp(self, datagram: bytes) -> bytes | None:
        try:
            return self._session.unprotect_rtcp(datagram)
        except (Error, ValueError):
            return None


class _Viewer:
    __slots__ = ("destination", "marks", "session")

    def __init__(self, session: Session, destination: Address) -> None:
        self.session = session
        self.destination = destination
        self.marks = Marks()


class ReferenceFanout:
    """`Fanout` on `Session.protect` and `sendto`, one datagram at a time.

    Freed viewers cannot be reached: their session is gone with `remove`, and a number without a session is skipped.
    Numbers are given again lowest first, so that they stay dense; whoever queues packets must drop what is queued for
    a viewer before it calls `remove` (the schedule reads audiences, from which the relay has removed it by then).
    """

    def __init__(self, port: UdpPort) -> None:
        self._port = port
        self._viewers: list[_Viewer | None] = []
        self._free: list[int] = []

    def add(self, keys: SrtpKeys, address: Address) -> int:
        viewer = _Viewer(outbound_session(keys), self._port.destination(address))
        if self._free:
            index = heapq.heappop(self._free)
            self._viewers[index] = viewer
        else:
            index = len(self._viewers)
            self._viewers.append(viewer)
        return index

    def move(self, viewer: int, address: Address) -> None:
        found = self._viewers[viewer]
        if found is not None:
            found.destination = self._port.destination(address)

    def remove(self, viewer: int) -> None:
        if self._viewers[viewer] is not None:
            self._viewers[viewer] = None
            heapq.heappush(self._free, viewer)

    def mark(self, viewer: int, period: int, mark: int) -> None:
        found = self._viewers[viewer]
        if found is not None:
            found.marks.put(period, mark)

    def send(self, packets: Sequence[bytes], viewers: Sequence[int], offsets: Sequence[int]) -> int:
        taken = 0
        known = len(self._viewers)
        send_to = self._port.send_to
        for index, offset in zip(viewers, offsets, strict=True):
            viewer = self._viewers[index] if index < known else None
            if viewer is None:
                continue
            protect, destination = viewer.session.protect, viewer.destination
            for packet in packets:
                own = viewer.marks.own(packet, offset)
                if own is None:
                    continue
                try:
                    taken += send_to(protect(own), destination)
                except (Error, ValueError):  # longer than libsrtp takes, or older than its window: not sent
                    continue
        return taken

    def send_rtcp(self, packet: bytes, viewer: int) -> bool:
        found = self._viewers[viewer]
        if found is None:
            return False
        try:
            return self._port.send_to(found.session.protect_rtcp(packet), found.destination)
        except (Error, ValueError):
            return False
