"""A peer without a browser: one socket, ICE checks, DTLS as the client, SRTP. It makes load and judges no picture."""

from __future__ import annotations

import secrets
import socket
import struct

from pylibsrtp import Policy, Session

from signaling.io.dtls_pyopenssl import PROFILES, DtlsIdentity, HandshakeState
from signaling.io.port_udp import Content, content_of
from signaling.ports import SrtpKeys
from signaling.session.answer import Answer
from signaling.session.offer import Codec, Direction, Kind, Line, Offer, Setup
from signaling.wire import ReportBlock, pack_binding_request, pack_receiver_report

OPUS, VP8 = 111, 96
CHECK_EVERY = 2.5  # seconds, as Chromium once it is stable
REPORT_EVERY = 1.0


class SimulatedPeer:
    """`offer` is opened by the caller; `start` takes the answer; `arrived` and `tick` do the rest."""

    identity = DtlsIdentity()  # one certificate for all: making one costs more than a handshake

    def __init__(self, direction: Direction) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._ufrag, self._pwd = secrets.token_hex(4), secrets.token_hex(12)
        self.offer = Offer(
            ufrag=self._ufrag,
            pwd=self._pwd,
            fingerprints=(self.identity.fingerprint,),
            setup=Setup.ACTIVE,
            lines=(
                Line(mid="0", kind=Kind.AUDIO, direction=direction, codecs={Codec.OPUS: OPUS}),
                Line(mid="1", kind=Kind.VIDEO, direction=direction, codecs={Codec.VP8: VP8}),
            ),
        )
        self.received = 0  # SRTP datagrams
        self.received_bytes = 0
        self._highest: dict[int, int] = {}
        self._next_check = 0.0
        self._next_report = 0.0
        self._outbound: Session | None = None

    @property
    def connected(self) -> bool:
        return self._outbound is not None

    def start(self, answer: Answer, now: float) -> None:
        self._answer = answer
        self.socket.connect(answer.addresses[0])
        self._dtls = self.identity.connect(Setup.ACTIVE, (answer.fingerprint,), now)
        self.tick(now)

    def arrived(self, now: float) -> None:
        """Read everything that waits; media is counted, not decrypted."""
        receive = self.socket.recv
        while True:
            try:
                datagram = receive(2048)
            except BlockingIOError:
                return
            content = content_of(datagram)
            if content is Content.RTP:
                self.received += 1
                self.received_bytes += len(datagram)
                number, _, ssrc = struct.unpack_from("!HLL", datagram, 2)
                self._highest[ssrc] = number
            elif content is Content.STUN:
                self._flush()  # the answer to our check: the way is open
            elif content is Content.DTLS:
                self._dtls.receive(datagram, now)
                self._flush()
                if self._dtls.state is HandshakeState.CONNECTED and self._outbound is None:
                    self._outbound = _outbound(self._dtls.sending)

    def tick(self, now: float) -> None:
        if now >= self._next_check:
            self._next_check = now + (CHECK_EVERY if self.connected else 0.1)
            username = f"{self._answer.ufrag}:{self._ufrag}"
            self._send(pack_binding_request(secrets.token_bytes(12), username, self._answer.pwd, 1))
        if not self.connected:
            self._dtls.tick(now)
            self._flush()
        elif self._outbound is not None and now >= self._next_report and self._highest:
            self._next_report = now + REPORT_EVERY
            blocks = [ReportBlock(ssrc, 0, 0, number, 0, 0, 0) for ssrc, number in self._highest.items()]
            self._send(self._outbound.protect_rtcp(pack_receiver_report(1, blocks)))

    def send_media(self, packet: bytes) -> None:
        if self._outbound is not None:
            self._send(self._outbound.protect(packet))

    def close(self) -> None:
        self.socket.close()

    def _flush(self) -> None:
        for datagram in self._dtls.take():
            self._send(datagram)

    def _send(self, datagram: bytes) -> None:
        try:
            self.socket.send(datagram)
        except OSError:  # the relay is not there, or the buffer is full: lost, as on any network
            return


def _outbound(keys: SrtpKeys | None) -> Session:
    assert keys is not None
    profile = PROFILES[keys.profile].libsrtp_profile
    return Session(Policy(key=keys.key_and_salt, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
