"""`classroom serve` as it is run: real processes, a publisher and a player that are not ours, and what is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.interop.aiortc_peer import Player, Publisher
from tests.servers.service import CLASSROOM, Lecture, Service, running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("serve")) as up:
        yield up


class Page:
    """A page's channel: every message by type, and whole."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.messages: list[dict[str, Any]] = []

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = json.loads(await self.client.recv())
                self.messages += message["messages"] if message["type"] == "batch" else [message]

    def of(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        return [
            each
            for each in self.messages
            if each["type"] == kind and all(each[name] == value for name, value in fields.items())
        ]

    async def until(self, kind: str, within: float = 20.0, **fields: object) -> dict[str, Any]:
        async with asyncio.timeout(within):
            while not self.of(kind, **fields):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return self.of(kind, **fields)[-1]


@contextlib.asynccontextmanager
async def page(service: Service, ticket: str) -> AsyncIterator[Page]:
    async with connect(service.url.replace("http", "ws") + "/ws") as client:
        await client.send(json.dumps({"type": "hello", "ticket": ticket}))
        made = Page(client)
        reading = asyncio.create_task(made.read())
        try:
            yield made
        finally:
            reading.cancel()


async def order(host: Page, **fields: object) -> dict[str, Any]:
    """The running order, once its only guest is as told."""
    async with asyncio.timeout(20):
        while True:
            told = await host.until("running-order")
            (guest,) = told["entries"]
            if all(guest[name] == value for name, value in fields.items()):
                return told
            await asyncio.sleep(0.02)


async def tap_next(host: Page, part: str) -> None:
    """The host's one tap, which brings the only guest, whose media flows, to `part`."""
    offered = (await order(host))["next"]
    await host.client.send(json.dumps({"type": "next", "off": offered["off"], "on": offered["on"]}))
    await order(host, part=part)


def child(service: Service, module: str) -> int:
    return next(pid for pid in service.children() if module in Path(f"/proc/{pid}/cmdline").read_text())


async def ready_again(service: Service, pid: int, module: str) -> float:
    """Seconds until `/readyz` answers 200 with another process in place of `pid`."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        while True:
            await asyncio.sleep(0.05)
            if not any(module in _command(other) and other != pid for other in service.children()):
                continue
            with contextlib.suppress(OSError):
                await asyncio.to_thread(service.wait_ready)
                return time.monotonic() - began


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


async def test_a_lecture_from_first_picture_to_export(service: Service) -> None:
    lecture = service.lecture()
    member, lecturer, guest = lecture.members[0], lecture.of("lecturer"), lecture.of("guest")
    publisher, speaker, player = Publisher(), Publisher(), Player(lines=4)
    try:
        entries = {"entries": [{"name": guest.name, "branch": guest.branch}]}
        await asyncio.to_thread(service.rest, "PUT", f"/api/lectures/{lecture.id}/order", entries)
        host_ticket = lecture.of("host").ticket
        async with page(service, member.ticket) as channel, page(service, host_ticket) as host:
            await publisher.offer(f"{service.url}/whip/{lecture.id}/lecturer", lecturer.ticket)
            await channel.until("lecture", state="live", cause="first-picture")
            await player.offer(f"{service.url}/whep/{lecture.id}", member.ticket)
            await player.first_frame(0)
            await channel.until("slot", slot="lecturer", state="live", video="vp8")
            await channel.until("counted", receiving=True)
            await speaker.offer(f"{service.url}/whip/{lecture.id}/guest", guest.ticket)
            await order(host, here=True)
            await tap_next(host, "backstage")
            await tap_next(host, "on")
            await player.first_frame(3)
            await channel.until("slot", slot="guest", state="live", name=guest.name)
            assert await speaker.delete() == 200
            await channel.until("slot", slot="guest", state="lost")
            await tap_next(host, "off")
            await channel.until("slot", slot="guest", state="empty")
            await asyncio.sleep(2)
            ended = time.time()
            assert await player.delete() == 200
            await channel.until("counted", receiving=False, reason="no-media")
        # A report made while it goes on reaches to the last beat, which may be older than the lecture's first picture.
        assert service.command("lecture", "end", lecture.id, "--json")["state"] == "ended"
        exported = service.attendance(lecture)
    finally:
        for peer in (publisher, speaker, player):
            await peer.close()
    entry = next(one for one in exported["members"] if one["name"] == member.name)
    (session,) = [one for one in entry["sessions"] if one["kind"] == "receiving"]
    assert session["closed_by"] == "deleted"
    assert abs(_seconds(session["to"]) - ended) < 1
    assert 0 < entry["receiving_seconds"] <= entry["connected_seconds"]
    assert any(one["kind"] == "on_stage" for other in exported["members"] for one in other["sessions"])
    assert service.status("attendance", "verify", "--lecture", lecture.id)[0] == 0


async def test_a_killed_web_process_comes_back_and_takes_over(service: Service) -> None:
    lecture = service.lecture()
    member = lecture.members[0]
    publisher, player = Publisher(), Player()
    try:
        await publisher.offer(f"{service.url}/whip/{lecture.id}/lecturer", lecture.of("lecturer").ticket)
        await player.offer(f"{service.url}/whep/{lecture.id}", member.ticket)
        await player.first_frame()
        async with page(service, member.ticket) as channel:
            await channel.until("counted", receiving=True)
        relay, web = service.relay_pid(), child(service, "classroom.service")
        os.kill(web, signal.SIGKILL)
        await ready_again(service, web, "classroom.service")
        assert service.relay_pid() == relay
        async with page(service, member.ticket) as channel:
            snapshot = await channel.until("snapshot")
            assert snapshot["lecture"]["state"] == "live"
            assert snapshot["seq"] >= 1_000_000
            assert snapshot["slots"][0]["state"] == "live"
            assert snapshot["slots"][0]["video"] == "vp8"
            await channel.until("counted", receiving=True)
        before = len(player.video[0].times)
        await asyncio.sleep(1)
        assert len(player.video[0].times) > before + 5  # the picture never needed the web process
    finally:
        await publisher.close()
        await player.close()
    outages = service.attendance(lecture)["outages"]
    assert [one["cause"] for one in outages] == ["service"]
    assert service.status("attendance", "verify", "--lecture", lecture.id)[0] == 0


async def test_a_killed_relay_comes_back_and_is_our_outage(service: Service) -> None:
    lecture = service.lecture()
    publisher, again = Publisher(), Publisher()
    lecturer = lecture.of("lecturer").ticket
    try:
        await publisher.offer(f"{service.url}/whip/{lecture.id}/lecturer", lecturer)
        async with page(service, lecture.members[0].ticket) as channel:
            await channel.until("lecture", state="live")
            relay, web = service.relay_pid(), child(service, "classroom.service")
            os.kill(relay, signal.SIGKILL)
            await channel.until("slot", slot="lecturer", state="lost")
            await ready_again(service, relay, "process_epoll")
            assert child(service, "classroom.service") == web
            await again.offer(f"{service.url}/whip/{lecture.id}/lecturer", lecturer)
            await channel.until("slot", slot="lecturer", state="live")
    finally:
        await publisher.close()
        await again.close()
    assert "relay" in [one["cause"] for one in service.attendance(lecture)["outages"]]


async def test_commands_and_the_private_socket_work_beside_it(service: Service) -> None:
    lecture: Lecture = service.lecture(members=2)
    assert service.command("lecture", "start", lecture.id, "--json")["state"] == "live"
    async with ClientSession("http://classroom", connector=UnixConnector(str(service.data / "service.sock"))) as client:
        assert "classroom_rooms" in await (await client.get("/metrics")).text()
    async with ClientSession() as client:
        assert (await client.get(f"{service.url}/metrics")).status == 404
    assert (service.data / "service.sock").stat().st_mode & 0o777 == 0o600
    assert service.command("lecture", "end", lecture.id, "--json")["state"] == "ended"


def test_told_to_stop_it_drains_and_says_so(tmp_path: Path) -> None:
    async def watch(service: Service, ticket: str) -> tuple[int | None, list[dict[str, Any]]]:
        async with page(service, ticket) as channel:
            await channel.until("snapshot")
            await asyncio.sleep(1)
            await channel.client.send(json.dumps({"type": "chat", "text": "还在"}))
            await channel.until("chat")
            stopping = asyncio.to_thread(service.stop)
            await asyncio.gather(stopping, channel.until("error", reason="restarting"))
            await channel.client.wait_closed()
            return channel.client.close_code, channel.messages

    with running(tmp_path) as service:
        lecture = service.lecture(members=2)
        process = service.process
        code, _ = asyncio.run(watch(service, lecture.members[0].ticket))
        assert code == 1012
        assert process is not None
        assert process.returncode == 0
        exported = service.attendance(lecture)  # without a service now
    sessions = next(one["sessions"] for one in exported["members"] if one["sessions"])
    assert [one["kind"] for one in sessions] == ["connected"]
    assert not sessions[0]["open"]


def test_a_deep_data_folder_free_ports_and_tls(tmp_path: Path) -> None:
    folder = tmp_path / ("deep-" * 20) / ("deeper-" * 10)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    environment = {
        **os.environ,
        "CLASSROOM_DATA_DIR": str(folder),
        "CLASSROOM_HTTP_PORT": "0",
        "CLASSROOM_UDP_PORT": "0",
        "CLASSROOM_TLS_CERT": str(certificate),
        "CLASSROOM_TLS_KEY": str(key),
    }
    with subprocess.Popen([CLASSROOM, "serve"], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("https://127.0.0.1:")
            trusting = ssl.create_default_context(cafile=str(certificate))
            trusting.check_hostname = False
            with urllib.request.urlopen(f"{url}/readyz", timeout=5, context=trusting) as answer:
                assert answer.status == 200
            made = subprocess.run(
                [CLASSROOM, "lecture", "create", "--title", "讲座", "--json"],
                env=environment, capture_output=True, text=True, timeout=60, check=True,
            )  # fmt: skip
            assert json.loads(made.stdout)["id"]
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_a_wrong_setting_is_a_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "CLASSROOM_DATA_DIR": str(tmp_path), "CLASSROOM_HTTP_PORT": "many"}
    done = subprocess.run(
        [CLASSROOM, "serve"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "CLASSROOM_HTTP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def _seconds(iso: str) -> float:
    import datetime

    return datetime.datetime.fromisoformat(iso).timestamp()
