"""Sends a film into a lecture over WHIP (RFC 9725), as an encoder program would.

Theory of operation. `Playback` says which sample is due when; it stands still while there is no connection, so nothing
of the film is lost to an outage. A `Session` is one WHIP session. `Publisher` keeps one session open: it is told by
the relay's silence (it reports to publishers about once a second) or by its farewell that a session is over, and opens
the next one, unless the farewell means that somebody else has taken over the slot: then it yields.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import secrets
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin

import aiohttp
import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from classroom.errors import ClassroomError
from classroom.io.media_av import CLOCK, Film, Kind, Sample, samples

CODECS: dict[Kind, tuple[str, str]] = {"audio": ("audio/opus", ""), "video": ("video/H264", "42e01f")}
CONNECT_SECONDS = 10.0
REPORT_SECONDS = 3.0  # without a receiver report the relay is not there any more
LATE_SECONDS = 1.0  # after a longer stop of this machine the film goes on from where it was
GIVE_UP_SECONDS = 90.0
FAREWELL_SECONDS = 1.5


class PublishRefused(ClassroomError):
    """The service refuses; `kind` is the problem's type, `title` its sentence."""

    def __init__(self, status: int, kind: str, title: str, retry: bool) -> None:
        super().__init__(title or f"{kind} ({status})")
        self.status = status
        self.kind = kind
        self.retry = retry


class PublishFailed(ClassroomError):
    """No service answers, or no media passes."""


class Ending(enum.StrEnum):
    FINISHED = "finished"  # the film is over
    REPLACED = "replaced"  # somebody else publishes to the slot now


class Playback:
    """One pass through a film, looped or not: both streams on one clock. Times are the event loop's seconds."""

    def __init__(self, film: Film, rounds: int | None) -> None:
        self.film = film
        self.position = 0.0  # seconds of the film sent so far, over all rounds
        self._origin: float | None = None  # when second 0 was due; None while it stands still
        self._streams: dict[Kind, Iterator[Sample]] = {
            medium.kind: samples(film, medium.kind, rounds) for medium in film.media
        }
        self._thread = {kind: ThreadPoolExecutor(1, f"film-{kind}") for kind in self._streams}
        self._ended = {kind: asyncio.Event() for kind in self._streams}

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(self._streams)

    def resume(self) -> None:
        self._origin = asyncio.get_running_loop().time() - self.position

    def pause(self) -> None:
        self._origin = None

    async def next(self, kind: Kind, fresh: bool) -> Sample | None:
        """The next sample, when it is due; None at the end. `fresh`: begin with a key frame."""
        loop = asyncio.get_running_loop()
        while True:
            sample = await loop.run_in_executor(self._thread[kind], next, self._streams[kind], None)
            if sample is None:
                self._ended[kind].set()
                return None
            if sample.key_frame or not fresh or kind == "audio":
                break
        await self._until(sample.seconds(kind))
        return sample

    async def finished(self) -> None:
        for ended in self._ended.values():
            await ended.wait()

    async def close(self) -> None:
        """Waits for a sample that is being read, then lets go of the file."""
        for kind, thread in self._thread.items():
            await asyncio.to_thread(thread.shutdown)
            close = getattr(self._streams[kind], "close", None)
            if close is not None:
                close()

    async def _until(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._origin is None:
            self.resume()
        assert self._origin is not None
        wait = self._origin + seconds - loop.time()
        if wait < -LATE_SECONDS:
            self._origin = loop.time() - seconds
        elif wait > 0:
            await asyncio.sleep(wait)
        self.position = max(self.position, seconds)


class FilmTrack(MediaStreamTrack):
    """One stream of a playback, as aiortc wants to be given packets that are encoded already."""

    def __init__(self, playback: Playback, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self._playback = playback
        self._fresh = True

    async def recv(self) -> Packet[Any]:
        if self.readyState != "live":
            raise MediaStreamError
        kind: Kind = "video" if self.kind == "video" else "audio"
        sample = await self._playback.next(kind, self._fresh)
        if sample is None:
            self.stop()
            raise MediaStreamError
        self._fresh = False
        packet: Packet[Any] = Packet(sample.data)
        packet.pts, packet.time_base = sample.ticks, Fraction(1, CLOCK[kind])
        return packet


class Session:
    """One WHIP session. `closed` is set when the relay says farewell or the connection fails."""

    def __init__(self, playback: Playback, http: aiohttp.ClientSession, url: str, ticket: str) -> None:
        self.closed = asyncio.Event()
        self._connected = asyncio.Event()
        self._http = http
        self._url = url
        self._ticket = ticket
        self._location: str | None = None
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("connectionstatechange", self._changed)
        for kind in playback.kinds:
            _prefer(self._peer.addTransceiver(FilmTrack(playback, kind), direction="sendonly"), kind)

    async def open(self) -> None:
        """Raises `PublishRefused`, `PublishFailed`."""
        with _loopback_candidates():
            await self._peer.setLocalDescription(await self._peer.createOffer())
        answer = await self._post(self._peer.localDescription.sdp)
        await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        for sender in self._peer.getSenders():
            sender.transport.on("statechange", self._changed)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connected.wait()
        except TimeoutError as error:
            raise PublishFailed("no media connection within 10 s: is the UDP port open?") from error

    async def lost(self) -> None:
        """Returns when the relay has said farewell, or nothing for three seconds."""
        loop = asyncio.get_running_loop()
        heard, last = loop.time(), 0
        while loop.time() - heard < REPORT_SECONDS:
            try:
                async with asyncio.timeout(0.5):
                    await self.closed.wait()
                return
            except TimeoutError:
                now = await self._reports()
                if now != last:
                    heard, last = loop.time(), now

    async def close(self) -> None:
        if self._location is not None:
            try:
                async with self._http.delete(self._location, timeout=aiohttp.ClientTimeout(3)):
                    pass
            except (aiohttp.ClientError, TimeoutError):
                pass  # whoever cannot be told has gone already
        await self._peer.close()

    async def _post(self, offer: str) -> str:
        headers = {"Authorization": f"Bearer {self._ticket}", "Content-Type": "application/sdp"}
        try:
            async with self._http.post(self._url, data=offer, headers=headers) as response:
                if response.status != 201:
                    raise await _refusal(response)
                self._location = urljoin(str(response.url), response.headers.get("Location", ""))
                return await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PublishFailed(f"{self._url}: {error or 'no answer'}") from error

    async def _reports(self) -> int:
        """Changes with every receiver report of any stream."""
        newest = 0.0
        for sender in self._peer.getSenders():
            for entry in (await sender.getStats()).values():
                if entry.type == "remote-inbound-rtp":
                    newest = max(newest, entry.timestamp.timestamp())
        return round(newest * 1000)

    def _changed(self) -> None:
        if self._peer.connectionState == "connected":
            self._connected.set()
        dtls = {sender.transport.state for sender in self._peer.getSenders()}
        if self._peer.connectionState in ("failed", "closed") or dtls & {"closed", "failed"}:
            self.closed.set()


class Publisher:
    """Keeps a film on a slot. `url` is the WHIP address, `ready` the address that says whether the service is well
    (None: every end of a session is taken for an outage)."""

    def __init__(
        self,
        film: Film,
        url: str,
        ticket: str,
        *,
        loop: bool = False,
        ready: str | None = None,
        tls: ssl.SSLContext | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.playback = Playback(film, None if loop else 1)
        self._url = url
        self._ticket = ticket
        self._ready = ready
        self._tls = tls
        self._tell = tell

    async def run(self) -> Ending:
        """Until the film is over or somebody else took the slot. Raises `PublishRefused`, `PublishFailed`. Cancelling
        it ends the session in order."""
        connector = aiohttp.TCPConnector(ssl=self._tls or True)
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            try:
                return await self._keep(http)
            finally:
                await self.playback.close()

    async def _keep(self, http: aiohttp.ClientSession) -> Ending:
        session = await self._open(http, patient=False)
        while True:
            try:
                if await self._play(session):
                    return Ending.FINISHED
                if session.closed.is_set() and await self._replaced(http):
                    return Ending.REPLACED
            finally:
                await session.close()
                self.playback.pause()
            self._tell("the connection was lost; trying again")
            session = await self._open(http, patient=True)
            self._tell("connected again")

    async def _play(self, session: Session) -> bool:
        """True: the film is over; False: the connection is."""
        over = asyncio.create_task(self.playback.finished())
        lost = asyncio.create_task(session.lost())
        try:
            await asyncio.wait({over, lost}, return_when=asyncio.FIRST_COMPLETED)
            return over.done()
        finally:
            for task in (over, lost):
                task.cancel()
            await asyncio.gather(over, lost, return_exceptions=True)

    async def _open(self, http: aiohttp.ClientSession, patient: bool) -> Session:
        """A new session. Keeps trying for a minute and a half where the service says that it is not ready just now;
        `patient`, also where nothing answers."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVE_UP_SECONDS
        while True:
            session = Session(self.playback, http, self._url, self._ticket)
            try:
                await session.open()
                return session
            except (PublishRefused, PublishFailed) as error:
                await session.close()
                again = error.retry if isinstance(error, PublishRefused) else patient
                if not again or loop.time() > deadline:
                    raise
            except BaseException:
                await session.close()
                raise
            await asyncio.sleep(0.5 + secrets.randbelow(1000) / 1000)

    async def _replaced(self, http: aiohttp.ClientSession) -> bool:
        """A relay that stops takes the service's readiness with it for a moment; a farewell while everything stays
        well means that somebody else came."""
        if self._ready is None:
            return False
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FAREWELL_SECONDS
        while loop.time() < deadline:
            try:
                async with http.get(self._ready) as response:
                    if response.status != 200:
                        return False
            except (aiohttp.ClientError, TimeoutError):
                return False
            await asyncio.sleep(0.05)
        return True


def _prefer(transceiver: RTCRtpTransceiver, kind: Kind) -> None:
    """Offers the one codec that the film is sent in."""
    mime, profile = CODECS[kind]
    transceiver.setCodecPreferences(
        [
            codec
            for codec in RTCRtpSender.getCapabilities(kind).codecs
            if codec.mimeType.lower() == mime.lower() and codec.parameters.get("profile-level-id", "") == profile
        ]
    )


async def _refusal(response: aiohttp.ClientResponse) -> PublishRefused:
    try:
        problem = await response.json(content_type=None)
        kind, title = str(problem["type"]), str(problem["title"])
    except (ValueError, KeyError, TypeError):
        kind, title = "refused", f"the service answered {response.status}"
    return PublishRefused(response.status, kind, title, retry=response.status in (429, 502, 503, 504))


@contextlib.contextmanager
def _loopback_candidates() -> Iterator[None]:
    """aioice leaves 127.0.0.1 out; on a machine without a network it is the only address there is.

    It asks this function of its own for addresses while gathering; there is no public way to add one.
    """
    original = aioice.ice.get_host_addresses

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return original(use_ipv4, use_ipv6) or ["127.0.0.1"]

    aioice.ice.get_host_addresses = addresses
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = original
