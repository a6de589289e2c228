"""The publisher's process: the stream of media.py by WHIP, or as plain RTP to two UDP ports, punctual.

    python -m benchmarks.viewers.publisher SETTINGS-AS-JSON

It takes a higher priority where it may, waits until the table says SEND, writes there what it sends and when, and ends
at STOP or with its parent. Requests for a key frame are answered by the next frame; NACKs by the same packet again.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import secrets
import select
import socket
import sys
import time
import urllib.request
from collections import OrderedDict
from pathlib import Path

import msgspec
from pylibsrtp import Error, Policy, Session

from benchmarks.viewers import table as t
from benchmarks.viewers.checks import Checker, due, success_of
from benchmarks.viewers.description import H264, OPUS, VP8, Local, offer, read
from benchmarks.viewers.media import (
    AUDIO,
    AUDIO_EVERY,
    HEADER,
    KEY_EVERY,
    STEPS,
    TABLE,
    VIDEO,
    VIDEO_EVERY,
    Packet,
    Stream,
    frame,
    frame_packets,
    sound,
)
from benchmarks.viewers.table import Table
from benchmarks.viewers.viewer import Identity, session
from signaling.errors import ProtocolError
from signaling.io.dtls_pyopenssl import DtlsTransport, HandshakeState
from signaling.io.port_udp import Content, content_of
from signaling.wire import KeyFrameAsked, Nack, SenderReport, pack_sender_report, parse_rtcp

PRIORITY = -15
KEPT = 2_048  # packets of each kind, for NACKs
REPORT_EVERY = 1.0
KEY_FRAME_PAUSE = 0.3  # seconds between two key frames that were asked for
LATE = 0.005
NTP_EPOCH = 2_208_988_800
CONNECT_WITHIN = 15.0
AGAIN_EVERY = 0.1  # seconds between two tries to publish anew


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


class Publisher:
    """Sends the stream through a way; `tick` at any time sends what is due."""

    def __init__(self, settings: PublisherSettings, way: Plain | Whip, table: Table) -> None:
        self._way = way
        self._table = table
        self._stream = Stream(settings.seed, settings.codec)
        self._ssrcs = settings.ssrcs
        self._types = (OPUS, H264 if settings.codec == "h264" else VP8)
        self._kept: tuple[OrderedDict[int, bytes], ...] = (OrderedDict(), OrderedDict())
        self._began = 0.0
        self._sounds = self._frames = self._in_group = self._number = 0
        self._sent = [[0, 0], [0, 0]]  # packets, octets of each kind
        self._asked = False
        self._asked_at = -1.0
        self._report_at = 0.0

    def begin(self, now: float) -> None:
        self._began = now
        self._report_at = now

    def resume(self, way: Plain | Whip, now: float) -> None:
        """Go on by another way; what would have been sent meanwhile is left out."""
        self._way = way
        self._sounds = max(self._sounds, math.ceil((now - self._began) / AUDIO_EVERY))
        self._frames = max(self._frames, math.ceil((now - self._began) / VIDEO_EVERY))
        self._asked = True

    def next_at(self) -> float:
        return self._began + min(self._sounds * AUDIO_EVERY, self._frames * VIDEO_EVERY)

    def tick(self, now: float) -> None:
        while self._began + self._sounds * AUDIO_EVERY <= now:
            self._late(now - (self._began + self._sounds * AUDIO_EVERY))
            self._table.head[t.SOUNDS] = self._sounds + 1
            self._send(sound(self._sounds))
            self._sounds += 1
        while self._began + self._frames * VIDEO_EVERY <= now:
            self._late(now - (self._began + self._frames * VIDEO_EVERY))
            self._frame(now)
        if now >= self._report_at:
            self._report_at = now + REPORT_EVERY
            self._reports(now)

    def hear(self, compound: bytes, now: float) -> None:
        try:
            found = parse_rtcp(compound)
        except ProtocolError:
            return
        for one in found:
            if isinstance(one, KeyFrameAsked):
                self._table.head[t.ASKED] += 1
                self._asked = self._asked or now - self._asked_at >= KEY_FRAME_PAUSE
            elif isinstance(one, Nack) and one.ssrc in self._ssrcs:
                self._again(self._ssrcs.index(one.ssrc), one.numbers)

    def _frame(self, now: float) -> None:
        if self._in_group == KEY_EVERY or self._asked:
            self._in_group = 0
        if self._asked:
            self._asked, self._asked_at = False, now
        place, count = self._frames % TABLE, frame_packets(self._in_group)
        self._table.packets[place] = -count if self._in_group == 0 else count
        self._table.sent[VIDEO, place] = time.time_ns()
        self._table.head[t.FRAMES] = self._frames + 1
        for packet in frame(self._frames, self._number, self._in_group):
            self._send(packet)
        self._number += count
        self._frames += 1
        self._in_group += 1
        self._table.head[t.PACKETS] = self._number

    def _send(self, packet: Packet) -> None:
        kind, clock = packet.kind, time.time_ns()
        rtp = self._stream.rtp(packet, self._types[kind], self._ssrcs[kind], clock)
        if kind == AUDIO:
            self._table.sent[kind, packet.index % TABLE] = clock
        if not self._way.send(rtp, kind):
            self._table.head[t.REFUSED] += 1
        kept = self._kept[kind]
        kept[packet.number & 0xFFFF] = rtp
        if len(kept) > KEPT:
            kept.popitem(last=False)
        self._sent[kind][0] += 1
        self._sent[kind][1] += len(rtp) - HEADER

    def _again(self, kind: int, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            rtp = self._kept[kind].get(number)
            if rtp is not None:
                self._table.head[t.RESENT] += 1
                self._way.send(rtp, kind)

    def _reports(self, now: float) -> None:
        ntp = int((time.time() + NTP_EPOCH) * 2**32)
        for kind, every in ((AUDIO, AUDIO_EVERY), (VIDEO, VIDEO_EVERY)):
            timestamp = int((now - self._began) / every * STEPS[kind]) & 0xFFFFFFFF
            packets, octets = self._sent[kind]
            report = SenderReport(self._ssrcs[kind], ntp, timestamp, packets, octets)
            self._way.send_rtcp(pack_sender_report(report))

    def _late(self, seconds: float) -> None:
        self._table.head[t.LATEST] = max(int(self._table.head[t.LATEST]), int(seconds * 1e9))
        if seconds > LATE:
            self._table.head[t.LATE_TIMES] += 1


def open_way(settings: PublisherSettings) -> Plain | Whip:
    """Raises `OSError`, also for a refusal."""
    return Plain(settings) if settings.rtp_to is not None else Whip(settings)


class Run:
    """The process: one way at a time, and the loop around it."""

    def __init__(self, settings: PublisherSettings) -> None:
        self._settings = settings
        self._table = Table(Path(settings.table))
        self._poll = select.poll()
        self._way = self._open()
        self._session = int(self._table.head[t.SESSION])
        self._publisher = Publisher(settings, self._way, self._table)
        self._sending = False
        self._looked_at = 0.0

    def run(self) -> None:
        try:
            self._table.head[t.CONNECTED] = 1
            gc.freeze()
            while self._table.head[t.WANTED] != t.STOP and self._has_parent(time.monotonic()):
                self._turn()
        finally:
            self._way.close()

    def _open(self) -> Plain | Whip:
        """Returns a way that is connected."""
        way = open_way(self._settings)
        self._poll.register(way.descriptor, select.POLLIN)
        deadline = time.monotonic() + CONNECT_WITHIN
        while not way.ready:
            now = time.monotonic()
            if now > deadline:
                raise SystemExit("publisher: no connection")
            way.tick(now)
            if self._poll.poll(20):
                way.read(time.monotonic())
        return way

    def _reopen(self) -> None:
        """A new session, as soon as the server gives one."""
        self._poll.unregister(self._way.descriptor)
        self._way.close()
        deadline = time.monotonic() + CONNECT_WITHIN
        while True:
            try:
                self._way = self._open()
                break
            except OSError:  # also HTTP's 503: it is not back yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(AGAIN_EVERY)
        self._publisher.resume(self._way, time.monotonic())

    def _has_parent(self, now: float) -> bool:
        if now - self._looked_at < 1.0:
            return True
        self._looked_at = now
        return os.getppid() == self._settings.parent

    def _turn(self) -> None:
        if self._table.head[t.SESSION] != self._session:
            self._session = int(self._table.head[t.SESSION])
            self._reopen()
        now = time.monotonic()
        self._way.tick(now)
        if self._table.head[t.WANTED] == t.SEND:
            if not self._sending:
                self._sending = True
                self._publisher.begin(now)
            self._publisher.tick(now)
        wait = self._publisher.next_at() - time.monotonic() if self._sending else 0.01
        if wait > 0 and self._poll.poll(max(0, int(wait * 1_000))):
            for compound in self._way.read(time.monotonic()):
                self._publisher.hear(compound, time.monotonic())
        elif wait > 0 and self._sending:
            time.sleep(max(0.0, min(self._publisher.next_at() - time.monotonic(), 0.001)))


def main() -> None:
    settings = msgspec.json.decode(sys.argv[1], type=PublisherSettings)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    Run(settings).run()


if __name__ == "__main__":
    main()
