"""aiortc as publisher and player: an implementation of WebRTC that is not ours."""

from __future__ import annotations

import asyncio
import fractions
import itertools
import re
import time
from dataclasses import dataclass, field

import aioice.ice
import av
import numpy
from aiohttp import ClientSession
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, VideoStreamTrack
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

SIZE = (320, 240)
FRAME_RATE = 20
BUSY_FRAME_RATE = 30
CLOCK = 90_000


def only_loopback() -> None:
    """aioice leaves loopback addresses out; the tests have no other network."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class MovingPicture(VideoStreamTrack):
    """A bar that moves over noise: every frame differs, so a frozen picture would show. `busy`: the noise moves too,
    at 30 frames a second, so that the encoder uses all the bit rate that it is allowed."""

    def __init__(self, busy: bool = False) -> None:
        super().__init__()
        self._busy = busy
        self._frame_rate = BUSY_FRAME_RATE if busy else FRAME_RATE
        self._began: float | None = None
        self._count = 0
        self._noise = numpy.random.default_rng(1).integers(0, 120, (SIZE[1], SIZE[0], 3), numpy.uint8)

    async def recv(self) -> av.VideoFrame:
        if self._began is None:
            self._began = time.monotonic()
        due = self._began + self._count / self._frame_rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        picture = numpy.roll(self._noise, self._count * 7_919) if self._busy else self._noise.copy()
        place = self._count * 4 % (SIZE[0] - 20)
        picture[:, place : place + 20] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._count * CLOCK // self._frame_rate
        frame.time_base = fractions.Fraction(1, CLOCK)
        self._count += 1
        return frame


@dataclass
class Seen:
    """When frames of one track came, on the monotonic clock."""

    times: list[float] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    def longest_gap(self, after: float) -> float:
        """Seconds between two frames, from `after` seconds past the first one."""
        times = [one for one in self.times if one >= self.times[0] + after]
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=float("inf"))


class Peer:
    """Offers to a WHIP or WHEP address; `proxy_port` puts a proxy before the relay."""

    def __init__(self, proxy_port: int | None = None) -> None:
        only_loopback()
        # Without max-bundle aiortc leaves all but the first video line on a transport that is then given up.
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._proxy_port = proxy_port
        self.location = ""

    async def offer(self, url: str, ticket: str) -> str:
        """Returns the answer as it came."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {ticket}"}
        async with ClientSession() as client:
            response = await client.post(url, data=self.connection.localDescription.sdp, headers=headers)
            text = await response.text()
            assert response.status == 201, text
            self.location = url.split("/wh")[0] + response.headers["Location"]
        through = text
        if self._proxy_port is not None:
            through = re.sub(r"127\.0\.0\.1 \d+ typ host", f"127.0.0.1 {self._proxy_port} typ host", text)
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=through, type="answer"))
        return text

    async def delete(self) -> int:
        async with ClientSession() as client:
            return (await client.delete(self.location)).status

    async def close(self) -> None:
        await self.connection.close()


class Publisher(Peer):
    def __init__(self, codec: str = "VP8", proxy_port: int | None = None, busy: bool = False) -> None:
        super().__init__(proxy_port)
        self.connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
        video = self.connection.addTransceiver(MovingPicture(busy), direction="sendonly")
        video.setCodecPreferences(
            [
                one
                for one in RTCRtpSender.getCapabilities("video").codecs
                if isinstance(one, RTCRtpCodecCapability) and one.mimeType.lower() == f"video/{codec.lower()}"
            ]
        )


class Player(Peer):
    """`lines` pairs of an audio and a video line; counts the frames of each track."""

    def __init__(self, lines: int = 1, proxy_port: int | None = None) -> None:
        super().__init__(proxy_port)
        self._tasks: list[asyncio.Task[None]] = []
        self.video: list[Seen] = []
        self.audio: list[Seen] = []
        for _ in range(lines):
            for kind, seen in (("audio", self.audio), ("video", self.video)):
                self.connection.addTransceiver(kind, direction="recvonly")
                seen.append(Seen())

    async def offer(self, url: str, ticket: str) -> str:
        answer = await super().offer(url, ticket)
        for kind, seen in (("audio", self.audio), ("video", self.video)):
            for receiver, one in zip(self.receivers(kind), seen, strict=True):
                if receiver.track is not None:
                    self._tasks.append(asyncio.create_task(_watch(receiver.track, one)))
        return answer

    def receivers(self, kind: str) -> list[RTCRtpReceiver]:
        return [one.receiver for one in self.connection.getTransceivers() if one.kind == kind]

    async def packets(self, kind: str, line: int) -> int:
        """RTP packets received on the n-th line of a kind."""
        report = await self.receivers(kind)[line].getStats()
        return sum(one.packetsReceived for one in report.values() if one.type == "inbound-rtp")

    async def first_frame(self, line: int = 0) -> None:
        async with asyncio.timeout(10):
            await self.video[line].first.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()


async def _watch(track: MediaStreamTrack, seen: Seen) -> None:
    try:
        while True:
            await track.recv()
            seen.times.append(time.monotonic())
            seen.first.set()
    except MediaStreamError:
        return
