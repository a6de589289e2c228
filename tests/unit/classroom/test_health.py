from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from classroom.io import health_aiohttp
from classroom.io.health_aiohttp import Health, disk_check
from classroom.io.metrics_prometheus import Meter
from classroom.room.messages import Quality
from signaling.control import Load


async def well() -> str | None:
    return None


async def ill() -> str | None:
    return "facts wait for it"


async def hangs() -> str | None:
    await asyncio.sleep(60)
    return None


async def breaks() -> str | None:
    raise OSError("secret path")


async def test_ready_names_what_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_aiohttp, "CHECK_WITHIN", 0.05)
    health = Health({"database": ill, "relay": hangs, "disk": breaks, "service": well}, Meter().exposition)
    app = web.Application()
    app.add_routes(health.routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/readyz")
        assert answer.status == 503
        body = await answer.json()
        assert body["ready"] is False
        assert body["troubles"] == {"database": "facts wait for it", "relay": "no answer", "disk": "OSError"}
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/metrics")).status == 404


async def test_metrics_are_for_the_private_side_and_name_no_member() -> None:
    meter = Meter()
    meter.watch("sockets", "Sockets", lambda: 3.0)
    meter.quality(Quality(fps=24.0, freezes=2, loss=0.01))
    meter.quality(Quality())
    meter.load(Load(1.0, 2, 1120, 3, 4, 5, {"behind": 7}, 0.5, 800, 900))
    app = web.Application()
    app.add_routes(Health({"service": well}, meter.exposition).private_routes())
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/readyz")).status == 200
        text = await (await client.get("/metrics")).text()
    for line in (
        "classroom_sockets 3.0",
        "classroom_viewer_freezes_total 2.0",
        "classroom_relay_viewers 1120.0",
        "classroom_relay_uplink_used_bits 800.0",
        "classroom_relay_uplink_limit_bits 900.0",
        'classroom_relay_dropped{reason="behind"} 7.0',
    ):
        assert line in text


async def test_a_full_disk_is_a_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await disk_check(tmp_path)() is None
    monkeypatch.setattr(health_aiohttp, "LEAST_FREE", 1 << 62)
    assert "MiB free" in (await disk_check(tmp_path)() or "")
