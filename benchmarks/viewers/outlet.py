"""The ways by which a publisher's packets leave: WHIP with ICE, DTLS, SRTP (RFC 9725), or plain RTP to two ports."""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
import urllib.request

import msgspec
from pylibsrtp import Error, Policy, Session

from benchmarks.viewers.checks import Checker, due, success_of
from benchmarks.viewers.description import Local, offer, read
from benchmarks.viewers.viewer import Identity, session
from signaling.io.dtls_pyopenssl import DtlsTransport, HandshakeState
from signaling.io.port_udp import Content, content_of


class PublisherSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `url` and `ticket` (WHIP), or `rtp_to`: host, port of sound, port of picture."""

    table: str
    parent: int
    url: str = ""
    ticket: str = ""
    rtp_to: tuple[str, int, int] | None = None
    codec: str = "vp8"
    seed: int = 1
    profile: str = "SRTP_AEAD_AES_128_GCM"
    ssrcs: tuple[int, int] = (0x0A0D10, 0x51DE0)
    host: str = "127.0.0.1"


class Plain:
    """Plain RTP to two ports."""

    ready = True

    def __init__(self, settings: PublisherSettings) -> None:
        assert settings.rtp_to is not None
        host, *ports = settings.rtp_to
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._to = [(host, port) for port in ports]
        self.descriptor = self._socket.fileno()

    def send(self, packet: bytes, kind: int) -> bool:
        try:
            self._socket.sendto(packet, self._to[kind])
        except OSError:
            return False
        return True

    def send_rtcp(self, packet: bytes) -> None:
        """Nobody listens for it there."""

    def read(self, now: float) -> list[bytes]:
        with contextlib.suppress(OSError):
            self._socket.recv(2_048, socket.MSG_DONTWAIT)
        return []

    def tick(self, now: float) -> None:
        """Nothing to keep alive."""

    def close(self) -> None:
        self._socket.close()


class Whip:
    """WHIP (RFC 9725), ICE, DTLS, SRTP. `ready` once keys are there."""

    def __init__(self, settings: PublisherSettings) -> None:
        self._settings = settings
        identity = Identity(settings.profile)
        local = identity.local()
        text = self._post(settings, local)
        self._remote = read(text)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((settings.host, 0))
        self._socket.setblocking(False)
        self._socket.connect(self._remote.address)
        self._identity = identity
        self._checker = Checker(self._remote.ufrag, self._remote.pwd, local.ufrag, secrets.randbits(64))
        self._began = time.monotonic()
        self._checks = 0
        self._dtls: DtlsTransport | None = None
        self._outbound: Session | None = None
        self._inbound: Session | None = None
        self.descriptor = self._socket.fileno()

    @property
    def ready(self) -> bool:
        return self._outbound is not None

    def _post(self, settings: PublisherSettings, local: Local) -> str:
        body = offer(local, 1, direction="sendonly", ssrcs=settings.ssrcs)
        request = urllib.request.Request(
            settings.url,
            body.encode(),
            {"Authorization": f"Bearer {settings.ticket}", "Content-Type": "application/sdp"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            self._location = str(answer.headers["Location"])
            text: str = answer.read().decode()
        return text

    def send(self, packet: bytes, kind: int) -> bool:
        return self._outbound is not None and self._give(self._outbound.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        if self._outbound is not None:
            self._give(self._outbound.protect_rtcp(packet))

    def _give(self, datagram: bytes) -> bool:
        try:
            self._socket.send(datagram)
        except OSError:
            return False
        return True

    def read(self, now: float) -> list[bytes]:
        """Decrypted RTCP that waited; everything else is dealt with."""
        found: list[bytes] = []
        while True:
            try:
                datagram = self._socket.recv(2_048)
            except OSError:
                return found
            content = content_of(datagram)
            if content is Content.STUN and success_of(datagram) is not None and self._dtls is None:
                self._dtls = self._identity.transport(self._remote, now)
                self._after_dtls()
            elif content is Content.DTLS and self._dtls is not None:
                self._dtls.receive(datagram, now)
                self._after_dtls()
            elif content is Content.RTCP and self._inbound is not None:
                with contextlib.suppress(Error, ValueError):
                    found.append(self._inbound.unprotect_rtcp(datagram))

    def tick(self, now: float) -> None:
        if now >= due(self._checks, self._began):
            self._checks += 1
            self._give(self._checker.request(secrets.token_bytes(12)))
        if self._dtls is not None and not self.ready:
            self._dtls.tick(now)
            self._after_dtls()

    def _after_dtls(self) -> None:
        dtls = self._dtls
        assert dtls is not None
        for datagram in dtls.take():
            self._give(datagram)
        if dtls.state is HandshakeState.CONNECTED and self._outbound is None:
            assert dtls.sending is not None
            assert dtls.receiving is not None
            self._outbound = session(dtls.sending, Policy.SSRC_ANY_OUTBOUND)
            self._inbound = session(dtls.receiving, Policy.SSRC_ANY_INBOUND)
        elif dtls.state in (HandshakeState.FAILED, HandshakeState.CLOSED):
            raise SystemExit(f"publisher: DTLS ended: {dtls.detail or dtls.state.name}")

    def close(self) -> None:
        base = self._settings.url.split("/", 3)
        request = urllib.request.Request(f"{base[0]}//{base[2]}{self._location}", method="DELETE")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(request, timeout=5).close()
        self._socket.close()


def open_way(settings: PublisherSettings) -> Plain | Whip:
    """Raises `OSError`, also for a refusal."""
    return Plain(settings) if settings.rtp_to is not None else Whip(settings)
