"""aiortc publishes by WHIP and plays by WHEP, through real handlers and a real relay process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from signaling.control import (
    Audience,
    Closing,
    PeerClosed,
    PeerConnected,
    PublicationFlowing,
    ViewerReceiving,
    ViewerStalled,
)
from signaling.session.offer import Codec
from tests.interop.aiortc_peer import BUSY_FRAME_RATE, FRAME_RATE, Player, Publisher
from tests.interop.lossy_proxy import LossyProxy
from tests.interop.relay_service import RelayService, until

LECTURE = "evening"


@pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])
async def test_a_lecture_is_published_and_played(tmp_path: Path, codec: Codec) -> None:
    async with RelayService(tmp_path) as service:
        publisher, player = Publisher(codec), Player()
        await publisher.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await player.first_frame()
        await asyncio.sleep(3)
        assert len(player.video[0].times) >= 2 * FRAME_RATE
        assert len(player.audio[0].times) >= 100
        flowing = [event for event in service.events if isinstance(event, PublicationFlowing)]
        assert flowing[-1].video is codec
        assert flowing[-1].audio
        assert await player.delete() == 200
        assert await player.delete() == 404
        await publisher.close()
        await until(lambda: sum(isinstance(event, PeerClosed) for event in service.events) == 2)
        closed = {event.peer: event.reason for event in service.events if isinstance(event, PeerClosed)}
        assert closed[service.room.peers["member"]] is Closing.DELETED
        assert closed[service.room.peers["dean"]] is Closing.CLOSED
        connected = {event.peer for event in service.events if isinstance(event, PeerConnected)}
        assert connected == set(service.room.peers.values())
        assert any(isinstance(event, ViewerReceiving) for event in service.events)
        await player.close()


async def test_five_percent_loss_both_ways_does_not_freeze_the_picture(tmp_path: Path) -> None:
    """aiortc asks for a lost packet once, and again only when it notices another loss: where its question is lost, it
    waits for the next. The busy picture (3 Mb/s) makes that wait short; a browser repeats its questions by itself."""
    async with RelayService(tmp_path, limits={"publisher_bitrate": 4_000_000}) as service:
        server = ("127.0.0.1", await udp_port(service))
        up = await LossyProxy.start(server, 0.05, seed=1)
        down = await LossyProxy.start(server, 0.05, seed=2)
        publisher, player = Publisher("H264", up.port, busy=True), Player(1, down.port)
        await publisher.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await player.first_frame()
        await asyncio.sleep(8)
        for proxy in (up, down):
            assert proxy.counts["up lost"] > 0
            assert proxy.counts["down lost"] > 0
        assert down.counts["down lost"] > 50
        assert player.video[0].longest_gap(after=1.0) <= 0.5
        assert len(player.video[0].times) >= 7 * BUSY_FRAME_RATE
        for peer in (player, publisher):
            await peer.close()
        up.close()
        down.close()


async def test_a_player_whose_address_changes_is_followed(tmp_path: Path) -> None:
    """Its receiver reports come from the new address first; we check it, and move everything there."""
    async with RelayService(tmp_path) as service:
        proxy = await LossyProxy.start(("127.0.0.1", await udp_port(service)), 0.0, seed=3)
        publisher, player = Publisher("VP8"), Player(1, proxy.port)
        await publisher.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        await player.first_frame()
        await asyncio.sleep(1.5)
        await proxy.rebind()
        await asyncio.sleep(5)
        assert player.video[0].times[-1] > time.monotonic() - 0.5
        assert player.video[0].longest_gap(after=0.0) < 3
        assert not any(isinstance(event, ViewerStalled) for event in service.events)
        for peer in (player, publisher):
            await peer.close()
        proxy.close()


async def test_a_lecturer_who_returns_with_another_codec_is_seen_without_a_new_offer(tmp_path: Path) -> None:
    async with RelayService(tmp_path) as service:
        player = Player()
        await player.offer(f"{service.url}/whep/{LECTURE}", "member")
        first, second = Publisher(Codec.H264), Publisher(Codec.VP8)
        await first.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        await player.first_frame()
        former = service.room.peers["dean"]
        await second.offer(f"{service.url}/whip/{LECTURE}/lecturer", "dean")
        await until(lambda: any(isinstance(event, PeerClosed) for event in service.events))
        closed = {event.peer: event.reason for event in service.events if isinstance(event, PeerClosed)}
        assert closed == {former: Closing.REPLACED}
        await asyncio.sleep(1)
        before = len(player.video[0].times)
        await asyncio.sleep(1.5)
        assert len(player.video[0].times) >= before + FRAME_RATE
        for peer in (player, first, second):
            await peer.close()


async def test_a_guest_on_the_stage_only_is_not_sent_to_members(tmp_path: Path) -> None:
    async with RelayService(tmp_path) as service:
        service.room.audiences["guest"] = Audience.STAGE
        member, lecturer = Player(4), Player(5)
        await member.offer(f"{service.url}/whep/{LECTURE}", "member")
        await lecturer.offer(f"{service.url}/whep/{LECTURE}", "stage:lecturer")
        guest = Publisher("VP8")
        await guest.offer(f"{service.url}/whip/{LECTURE}/guest", "guest")
        await lecturer.first_frame(line=3)
        await asyncio.sleep(1)
        assert await lecturer.packets("video", 3) > 10
        for kind in ("audio", "video"):
            assert [await member.packets(kind, line) for line in range(4)] == [0, 0, 0, 0]
        await service.relay.route(service.room.peers["guest"], "guest", Audience.EVERYONE)
        await member.first_frame(line=3)
        assert await member.packets("audio", 3) > 0
        assert await member.packets("video", 0) == 0
        for peer in (member, lecturer, guest):
            await peer.close()


async def udp_port(service: RelayService) -> int:
    """The relay's port, as an answer tells it."""
    probe = Player()
    answer = await probe.offer(f"{service.url}/whep/{LECTURE}", "probe")
    await probe.delete()
    await probe.close()
    return int(answer.split(" typ host")[0].rsplit(" ", 1)[1])
