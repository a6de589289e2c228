"""SRTP through pylibsrtp's public API (RFC 3711, RFC 7714): a publisher's packets in, and the reference `Fanout`.

The reference is the oracle of the compiled packet path and its fallback. Each viewer has one outbound session which
sends a packet the first time and again: a resend through another session would have another rollover count. The policy
allows repeats (`allow_repeat_tx`), and its window is at least the ring of resends.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import time
from collections import deque
from collections.abc import Iterator, Sequence

from pylibsrtp import Error, Policy, Session

from signaling.io.dtls_pyopenssl import PROFILES
from signaling.io.port_udp import UdpPort
from signaling.ports import HOLDS, Address, SrtpKeys
from signaling.proof import Marks

INBOUND_WINDOW = 2_048  # packets
OUTBOUND_WINDOW = 1_088
"""The ring's 1,024 packets and some more. Each packet sent shifts a viewer's window, which nothing else keeps in the
processor's cache: 2,048 cost 3 to 5 % more."""
HEADER = 16  # bytes of a prepared packet's header
PATIENCE = 0.02  # seconds that datagrams wait for room in the kernel's buffer; later audio is of no use
FULL = (errno.EAGAIN, errno.ENOBUFS)

_Datagram = tuple[bytes, Address]


def _policy(keys: SrtpKeys, ssrc_type: int, window: int) -> Policy:
    policy = Policy(key=keys.key_and_salt, ssrc_type=ssrc_type, srtp_profile=PROFILES[keys.profile].libsrtp_profile)
    policy.window_size = window
    return policy


def outbound_session(keys: SrtpKeys) -> Session:
    """A viewer's one context for all that is sent to it, the first time and again."""
    policy = _policy(keys, Policy.SSRC_ANY_OUTBOUND, OUTBOUND_WINDOW)
    policy.allow_repeat_tx = True
    return Session(policy)


class InboundSrtp:
    """What a peer sends us. A packet that is forged, repeated or too old gives None: each is the network's daily
    work, and none is worth an exception to the caller."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._session = Session(_policy(keys, Policy.SSRC_ANY_INBOUND, INBOUND_WINDOW))

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
        self._datagrams: Iterator[_Datagram] = iter(())
        self._unsent: _Datagram | None = None
        self._held: deque[bytes] = deque(maxlen=HOLDS)
        self._holders: dict[int, tuple[bytes, int]] = {}  # which of these waits for whom, with which offset
        self._since = 0.0
        self.full = 0

    def add(self, keys: SrtpKeys, address: Address) -> int:
        viewer = _Viewer(outbound_session(keys), self._port.destination(address))
        if self._free:
            index = heapq.heappop(self._free)
            self._viewers[index] = viewer
        else:
            index = len(self._viewers)
            self._viewers.append(viewer)
        self._holders.pop(index, None)
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

    def hold(self, packet: bytes, viewers: Sequence[int], offsets: Sequence[int]) -> None:
        if len(viewers) != len(offsets):
            raise ValueError(f"{len(offsets)} offsets for {len(viewers)} viewers")
        self._held.append(packet)
        self._holders = {viewer: one for viewer, one in self._holders.items() if any(one[0] is it for it in self._held)}
        self._holders.update((viewer, (packet, offset)) for viewer, offset in zip(viewers, offsets, strict=True))

    def send(self, packets: Sequence[bytes], viewers: Sequence[int], offsets: Sequence[int]) -> int:
        if len(viewers) != len(offsets):
            raise ValueError(f"{len(offsets)} offsets for {len(viewers)} viewers")
        taken = self.resume()
        if self.pending:
            return taken
        self._datagrams = self._copies(tuple(packets), tuple(zip(viewers, offsets, strict=True)))
        return taken + self._go()

    @property
    def pending(self) -> bool:
        return self._unsent is not None

    def resume(self) -> int:
        if not self.pending:
            return 0
        taken = self._go()
        if self.pending and time.monotonic() - self._since >= PATIENCE:
            self._unsent, self._datagrams = None, iter(())
        return taken

    def send_rtcp(self, packet: bytes, viewers: Sequence[int]) -> int:
        taken = 0
        for index in viewers:
            viewer = self._viewers[index] if index < len(self._viewers) else None
            if viewer is not None:
                with contextlib.suppress(Error, ValueError):
                    taken += self._port.send_to(viewer.session.protect_rtcp(packet), viewer.destination)
        return taken

    def _go(self) -> int:
        """Send what waits, until all is sent or the kernel's buffer is full."""
        taken, was_pending, send_to = 0, self.pending, self._port.socket.sendto
        datagram = self._unsent or next(self._datagrams, None)
        self._unsent = None
        while datagram is not None:
            try:
                send_to(*datagram)
                taken += 1
            except OSError as error:
                if error.errno in FULL:
                    self.full += 1
                    self._unsent = datagram
                    if not was_pending:
                        self._since = time.monotonic()
                    break
            datagram = next(self._datagrams, None)
        return taken

    def _copies(self, packets: tuple[bytes, ...], audience: tuple[tuple[int, int], ...]) -> Iterator[_Datagram]:
        """Each viewer's own, encrypted."""
        for index, offset in audience:
            viewer = self._viewers[index] if index < len(self._viewers) else None
            if viewer is None:
                continue
            protect, destination = viewer.session.protect, viewer.destination
            for packet, shift in self._with_held(index, packets, offset):
                own = viewer.marks.own(packet, shift)
                if own is None:
                    continue
                try:
                    yield protect(own), destination
                except (Error, ValueError):  # longer than libsrtp takes, or older than its window: not sent
                    continue

    def _with_held(self, index: int, packets: tuple[bytes, ...], offset: int) -> Iterator[tuple[bytes, int]]:
        for packet in packets:
            yield packet, offset
        if index in self._holders:
            yield self._holders.pop(index)
