"""One viewer: its socket, ICE, DTLS, SRTP and feedback. It lives in the thread of its crowd, which alone calls it."""

from __future__ import annotations

import enum
import secrets
import socket
import struct
import time
from collections.abc import Callable

from aiortc.rtcdtlstransport import SRTPProtectionProfile, generate_certificate
from cryptography.hazmat.primitives.asymmetric import ec
from pylibsrtp import Error, Policy, Session

from benchmarks.viewers import checks, feedback
from benchmarks.viewers.counting import (
    BASE,
    HIGHEST,
    JITTER,
    KIND,
    LOST,
    MISSING,
    RECEIVED,
    SSRC,
    Counts,
    is_missing,
)
from benchmarks.viewers.description import Local, Remote
from signaling.errors import ProtocolError
from signaling.io.dtls_pyopenssl import PROFILES, DtlsTransport, HandshakeState, fingerprint_of, make_context
from signaling.ports import SrtpKeys
from signaling.session.offer import Setup
from signaling.wire import pack_binding_response, parse_stun

KEY_FRAME_PAUSE = 0.3  # seconds between two requests of one viewer
UNANSWERED = 64  # checks whose answers are awaited


class State(enum.Enum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"  # by either side
    FAILED = "failed"


TRANSITIONS = {
    State.NEW: {State.CONNECTING, State.CLOSED},
    State.CONNECTING: {State.CONNECTED, State.FAILED, State.CLOSED},
    State.CONNECTED: {State.CLOSED, State.FAILED},
    State.CLOSED: set[State](),
    State.FAILED: set[State](),
}


class Identity:
    """One certificate and DTLS context for all viewers of a crowd (a browser makes its own in a few ms). `profile` is
    the one SRTP profile that is offered."""

    def __init__(self, profile: str) -> None:
        known: dict[str, SRTPProtectionProfile] = PROFILES
        if profile not in known:
            raise ValueError(f"no SRTP profile {profile}; there are {', '.join(known)}")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = generate_certificate(key)
        self.fingerprint = fingerprint_of(certificate)
        self._context = make_context(key, certificate, (known[profile],))

    def local(self) -> Local:
        return Local(secrets.token_hex(4), secrets.token_hex(12), self.fingerprint)

    def transport(self, remote: Remote, now: float) -> DtlsTransport:
        return DtlsTransport(self._context, Setup.ACTIVE, (remote.fingerprint,), now)


class Viewer:
    """`place` is its row in the crowd's arrays. `changed` is called at every change of `state`."""

    def __init__(
        self, place: int, made: socket.socket, identity: Identity, counts: Counts, changed: Callable[[Viewer], None]
    ) -> None:
        self.place = place
        self.socket = made
        self.local = identity.local()
        self.state = State.NEW
        self.detail = ""
        self.began = self.connected_at = 0.0
        self.decrypts = False
        self.inbound: Session | None = None
        self.round_trip = feedback.FIRST_ROUND_TRIP
        self.answers = 0
        self.given_up = self.nacked = self.key_frames_asked = 0
        self.missing: dict[int, feedback.Missing] = {}  # by line
        self._identity = identity
        self._counts = counts
        self._changed = changed
        self._remote: Remote | None = None
        self._checker: checks.Checker | None = None
        self._sent_checks = 0
        self._unanswered: dict[bytes, float] = {}
        self._dtls: DtlsTransport | None = None
        self._outbound: Session | None = None
        self._heard: dict[int, tuple[int, int]] = {}  # SSRC → (its last sender report, ns of its arrival)
        self._before: dict[int, tuple[int, int]] = {}  # line → (expected, received) at the last report
        self._asked_at = 0.0

    # --- joining ----------------------------------------------------------------------------------------------------

    def connect(self, remote: Remote, now: float) -> None:
        self._remote = remote
        self.began = now
        self.socket.connect(remote.address)
        self._checker = checks.Checker(remote.ufrag, remote.pwd, self.local.ufrag, secrets.randbits(64))
        self._become(State.CONNECTING)

    def close(self) -> None:
        if self._dtls is not None and self.state is State.CONNECTED:
            self._dtls.close()
            self._flush()
        self._become(State.CLOSED)
        self.socket.close()

    def _become(self, state: State, detail: str = "") -> None:
        if state in TRANSITIONS[self.state]:
            self.state, self.detail = state, detail
            self._changed(self)

    # --- timers -----------------------------------------------------------------------------------------------------

    def check(self, now: float) -> float | None:
        """Send the next connectivity check; returns when the one after is due, None where there are no more."""
        if self._checker is None or self.state not in (State.CONNECTING, State.CONNECTED):
            return None
        transaction = secrets.token_bytes(12)
        while len(self._unanswered) >= UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[transaction] = now
        self.send(self._checker.request(transaction))
        self._sent_checks += 1
        return checks.due(self._sent_checks, self.began)

    def tick(self, now: float) -> None:
        """While the handshake goes on."""
        if self._dtls is not None and self.state is State.CONNECTING:
            self._dtls.tick(now)
            self._after_dtls(now)

    def report(self) -> None:
        """Send a receiver report of the lines that brought something since the last one (RFC 3550 §6.4.2)."""
        if self._outbound is None or self.state is not State.CONNECTED:
            return
        blocks, clock = [], time.time_ns()
        for line, row in enumerate(self._counts.lines[self.place].tolist()):
            if row[SSRC] < 0:
                break
            expected, received = row[HIGHEST] - row[BASE] + 1, row[RECEIVED]
            before = self._before.get(line, (0, 0))
            if expected == before[0]:
                continue
            self._before[line] = (expected, received)
            fraction = feedback.fraction_lost(expected - before[0], received - before[1])
            middle, arrived = self._heard.get(row[SSRC], (0, clock))
            blocks.append(
                feedback.pack_block(
                    row[SSRC],
                    fraction,
                    row[LOST] + row[MISSING],
                    row[HIGHEST],
                    row[JITTER] >> 4,
                    middle,
                    (clock - arrived) * 65_536 // 1_000_000_000 if middle else 0,
                )
            )
        if blocks:
            self._send_rtcp(feedback.pack_report(blocks))

    # --- what arrives -----------------------------------------------------------------------------------------------

    def stun(self, datagram: bytes, now: float) -> None:
        transaction = checks.success_of(datagram)
        if transaction is None:
            self._checked(datagram)
            return
        sent = self._unanswered.pop(transaction, None)
        if sent is None or self._remote is None:
            return
        self.answers += 1
        self.round_trip = now - sent
        if self._dtls is None:
            self._dtls = self._identity.transport(self._remote, now)
            self._after_dtls(now)

    def _checked(self, datagram: bytes) -> None:
        """The server checks this address (RFC 8445 §7.3)."""
        try:
            request = parse_stun(datagram)
        except ProtocolError:
            return
        if request.is_request and request.authentic(self.local.pwd):
            self.send(pack_binding_response(request, self.socket.getpeername()[:2], self.local.pwd))

    def dtls(self, datagram: bytes, now: float) -> None:
        if self._dtls is not None:
            self._dtls.receive(datagram, now)
            self._after_dtls(now)

    def _after_dtls(self, now: float) -> None:
        dtls = self._dtls
        assert dtls is not None
        self._flush()
        if dtls.state is HandshakeState.FAILED:
            self._become(State.FAILED, dtls.detail)
        elif dtls.state is HandshakeState.CLOSED:
            self._become(State.CLOSED, "by the server")
        elif dtls.state is HandshakeState.CONNECTED and self._outbound is None:
            assert dtls.sending is not None
            assert dtls.receiving is not None
            self._outbound = session(dtls.sending, Policy.SSRC_ANY_OUTBOUND)
            self.inbound = session(dtls.receiving, Policy.SSRC_ANY_INBOUND)
            self.connected_at = now
            self._become(State.CONNECTED)

    def rtcp(self, datagram: bytes, arrived: int) -> None:
        if self.inbound is None:
            return
        try:
            compound = self.inbound.unprotect_rtcp(datagram)
            for ssrc, middle in feedback.read_sender_reports(compound):
                self._heard[ssrc] = (middle, arrived)
        except (Error, ValueError, struct.error):
            return

    # --- what is missing --------------------------------------------------------------------------------------------

    def gap(self, line: int, first: int, last: int, now: float) -> None:
        """Numbers were passed over: ask for them at once."""
        missing = self.missing.setdefault(line, feedback.Missing())
        newest = range(max(first, last - 2 * feedback.MOST_MISSING), last + 1)
        if missing.add(newest, now):
            self.ask(line, now)
        else:
            self._ask_key_frame(line, now)

    def ask(self, line: int, now: float) -> bool:
        """NACK what is due; False when nothing is missing any more."""
        missing = self.missing[line]

        def still(number: int) -> bool:
            return is_missing(self._counts, self.place, line, number)

        numbers, given_up = missing.due(now, self.round_trip, still)
        ssrc = int(self._counts.lines[self.place, line, SSRC])
        for part in _parts(numbers, 256):
            self._send_rtcp(feedback.pack_nack(ssrc, part))
        self.nacked += len(numbers)
        if given_up:
            self.given_up += given_up
            self._ask_key_frame(line, now)
        return len(missing) > 0

    def _ask_key_frame(self, line: int, now: float) -> None:
        is_video = self._counts.lines[self.place, line, KIND] == 1
        if is_video and now - self._asked_at >= KEY_FRAME_PAUSE:
            self._asked_at = now
            self.key_frames_asked += 1
            self._send_rtcp(feedback.pack_key_frame_request(int(self._counts.lines[self.place, line, SSRC])))

    # --- sending ----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        if self._dtls is not None:
            for datagram in self._dtls.take():
                self.send(datagram)

    def _send_rtcp(self, packet: bytes) -> None:
        if self._outbound is not None:
            self.send(self._outbound.protect_rtcp(packet))

    def send(self, datagram: bytes) -> None:
        try:
            self.socket.send(datagram)
        except OSError:  # the server is gone, or the buffer full: lost, as on any network
            return


def _parts(numbers: list[int], size: int) -> list[list[int]]:
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


def session(keys: SrtpKeys, ssrc_type: int) -> Session:
    policy = Policy(key=keys.key_and_salt, ssrc_type=ssrc_type, srtp_profile=PROFILES[keys.profile].libsrtp_profile)
    policy.window_size = 2_048
    policy.allow_repeat_tx = True
    return Session(policy)
