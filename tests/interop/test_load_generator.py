"""The benchmarks' viewers at the real service: what they say of it is true, for good packets and for bad."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.viewers.channel import Channel, channel_url
from benchmarks.viewers.joining import NotJoined
from benchmarks.viewers.stage import Options, Stage, stage
from benchmarks.viewers.viewer import State

VIEWERS = 6


async def measured(on: Stage, seconds: float) -> dict[str, object]:
    measurement = on.measurement()
    await measurement.begin()
    await asyncio.sleep(seconds)
    return await measurement.end()


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_every_viewer_gets_every_packet_as_it_was_sent(codec: str) -> None:
    options = Options(viewers=VIEWERS, verify=2, path="reference", codec=codec, loss=0.05, lossy=1 / 3)
    async with stage(options) as on:
        await on.join(VIEWERS)
        assert on.failures == []
        await on.publish(warm_up=1.0)
        figures = await measured(on, 2.5)
        counts = [viewer.answers for viewer in on.crowd.viewers.values()]

    received, verified = figures["received"], figures["verified"]
    assert isinstance(received, dict)
    assert isinstance(verified, dict)
    assert figures["viewers"] == VIEWERS
    assert figures["void"] is False
    assert received["lost"] == 0
    assert received["share_least"] == 1.0
    assert received["recovered"] > 0
    assert figures["thrown_away"] != 0
    assert verified["packets"] > 200
    assert verified["complaints"] == []
    assert all(counts)


async def test_viewers_come_and_go_and_are_refused() -> None:
    async with stage(Options(viewers=3, verify=1, path="reference", full=True)) as on:
        assert on.service is not None
        first, second = await on.join(2)
        await on.publish(warm_up=0.5)
        channel = Channel(channel_url(on.service.service.url), first.ticket, lambda: True)
        room = asyncio.create_task(channel.run())

        await on.leave(second)
        assert second.viewer.state is State.CLOSED
        assert on.crowd.departed.viewers == 1
        with pytest.raises(NotJoined, match="401"):
            await on.door.join("not a ticket")
        await on.join(1)
        assert [joined.viewer.state for joined in on.audience] == [State.CONNECTED, State.CONNECTED]

        async with asyncio.timeout(10):
            while channel.opened_at is None:  # noqa: ASYNC110 - a fact of the channel, which tells nobody
                await asyncio.sleep(0.02)
        room.cancel()
        await asyncio.gather(room, return_exceptions=True)
