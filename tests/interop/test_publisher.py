"""The publisher against an independent WHIP endpoint: aiortc receives and decodes what it sends."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import math
from array import array
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from classroom.io.media_av import examine
from classroom.io.publisher_aiortc import Ending, Publisher, PublishFailed, PublishRefused
from tests.interop.relay_service import until

TICKET = "a-ticket"
FRAMES, RATE = 45, 15


def write_film(path: Path, profile: str) -> Path:
    """Three seconds: a grey level that grows by four each frame, and a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.gop_size = RATE
        video.codec_context.profile = profile
        audio = container.add_stream("libopus", rate=48_000)
        for number in range(FRAMES):
            frame = av.VideoFrame(320, 180, "yuv420p")
            for plane, level in zip(frame.planes, (16 + 4 * number, 128, 128), strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            frame.pts, frame.time_base = number, fractions.Fraction(1, RATE)
            container.mux(video.encode(frame))
        tone = array("h", (round(8000 * math.sin(k / 48_000 * 2 * math.pi * 400)) for k in range(960)))
        for start in range(0, 48_000 * FRAMES // RATE, 960):
            sound = av.AudioFrame("s16", "mono", 960)
            sound.planes[0].update(tone.tobytes())
            sound.sample_rate, sound.pts = 48_000, start
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", "Baseline")


class Endpoint:
    """A WHIP server of one slot; `refuse` makes it answer 503."""

    def __init__(self) -> None:
        self.peers: list[RTCPeerConnection] = []
        self.pictures: list[tuple[float, int]] = []  # (seconds by its timestamp, grey level)
        self.sounds = 0
        self.deleted = 0
        self.refuse = False
        self.ready = True
        self._tasks: set[asyncio.Task[None]] = set()

    async def post(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TICKET}":
            return web.json_response({"type": "bad-ticket", "title": "No."}, status=401)
        if self.refuse:
            return web.json_response({"type": "relay-restarting", "title": "Wait."}, status=503)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peers.append(peer)
        peer.on("track", self.take)
        await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return web.Response(
            status=201,
            text=peer.localDescription.sdp,
            content_type="application/sdp",
            headers={"Location": "/session/1"},
        )

    async def delete(self, request: web.Request) -> web.Response:
        self.deleted += 1
        return web.Response()

    async def readyz(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self.ready else 503)

    def take(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self.watch(track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def watch(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self.pictures.append(
                        (frame.time or 0.0, bytes(frame.planes[0])[90 * frame.planes[0].line_size + 160])
                    )
                else:
                    self.sounds += 1

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()
        for task in list(self._tasks):
            task.cancel()


@pytest.fixture
async def endpoint() -> AsyncIterator[tuple[Endpoint, TestServer]]:
    endpoint = Endpoint()
    application = web.Application()
    application.router.add_post("/whip/1/lecturer", endpoint.post)
    application.router.add_delete("/session/1", endpoint.delete)
    application.router.add_get("/readyz", endpoint.readyz)
    server = TestServer(application)
    await server.start_server()
    yield endpoint, server
    await endpoint.close()
    await server.close()


def publisher(film: Path, server: TestServer, *, loop: bool = False, ticket: str = TICKET) -> Publisher:
    url, ready = str(server.make_url("/whip/1/lecturer")), str(server.make_url("/readyz"))
    return Publisher(examine(film), url, ticket, loop=loop, ready=ready)


async def test_every_picture_arrives_in_order_and_the_session_is_deleted(
    film: Path, endpoint: tuple[Endpoint, TestServer]
) -> None:
    seen, server = endpoint
    assert await publisher(film, server).run() is Ending.FINISHED
    assert seen.deleted == 1
    greys = [grey for _, grey in seen.pictures]
    assert len(greys) >= FRAMES - 2  # the decoder of the other side keeps the last ones
    assert greys == sorted(greys)
    steps = {round(after[0] - before[0], 3) for before, after in pairwise(seen.pictures)}
    assert steps == {round(1 / RATE, 3)}
    assert seen.sounds >= 140


async def test_a_looped_film_goes_round_without_a_step_back(film: Path, endpoint: tuple[Endpoint, TestServer]) -> None:
    seen, server = endpoint
    task = asyncio.create_task(publisher(film, server, loop=True).run())
    await until(lambda: len(seen.pictures) > FRAMES + 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen.deleted == 1
    times = [time for time, _ in seen.pictures]
    assert times == sorted(times)
    assert max(after - before for before, after in pairwise(times)) < 2 / RATE


async def test_a_film_with_b_frames_is_encoded_again(tmp_path: Path, endpoint: tuple[Endpoint, TestServer]) -> None:
    film = write_film(tmp_path / "film.mkv", "High")
    video = examine(film).medium("video")
    assert video is not None
    assert not video.copy
    seen, server = endpoint
    assert await publisher(film, server).run() is Ending.FINISHED
    greys = [grey for _, grey in seen.pictures]
    assert len(greys) >= FRAMES - 2
    assert greys == sorted(greys)


async def test_it_comes_back_after_the_relay_restarted(film: Path, endpoint: tuple[Endpoint, TestServer]) -> None:
    seen, server = endpoint
    task = asyncio.create_task(publisher(film, server, loop=True).run())
    await until(lambda: len(seen.pictures) > 10)
    seen.ready, seen.refuse = False, True
    await seen.peers[0].close()
    await asyncio.sleep(1.0)
    seen.ready, seen.refuse = True, False
    before = len(seen.pictures)
    await until(lambda: len(seen.pictures) > before + 10)
    assert len(seen.peers) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_yields_to_whoever_takes_the_slot(film: Path, endpoint: tuple[Endpoint, TestServer]) -> None:
    seen, server = endpoint
    task = asyncio.create_task(publisher(film, server, loop=True).run())
    await until(lambda: len(seen.pictures) > 10)
    await seen.peers[0].close()
    async with asyncio.timeout(10):
        assert await task is Ending.REPLACED
    assert len(seen.peers) == 1


async def test_a_refusal_names_its_reason(film: Path, endpoint: tuple[Endpoint, TestServer]) -> None:
    _, server = endpoint
    with pytest.raises(PublishRefused) as refused:
        await publisher(film, server, ticket="another").run()
    assert (refused.value.status, refused.value.kind, str(refused.value)) == (401, "bad-ticket", "No.")


async def test_no_service_is_an_error_at_once(film: Path) -> None:
    with pytest.raises(PublishFailed):
        await Publisher(examine(film), "http://127.0.0.1:9/whip/1/lecturer", TICKET).run()
