"""Both ends of the control socket: questions and answers, events in order, and what happens when either end goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from signaling.control import (
    Audience,
    ClosePeer,
    Closing,
    ListPeers,
    NotOpened,
    Opened,
    OpenPeer,
    OpenPublication,
    OpenViewer,
    PeerClosed,
    PeerConnected,
    Peers,
    Route,
    ToRelay,
)
from signaling.errors import ProtocolError, Refusal, Refused
from signaling.io.control_server_unix import ControlServer
from signaling.io.control_unix import UnixRelay
from signaling.io.frames_unix import MAX_FRAME, Frames
from signaling.ports import Act, Grant, RelayDown, RelayUp
from signaling.session.answer import Answer
from signaling.session.offer import Fingerprint, Offer, Setup

FINGERPRINT = Fingerprint(algorithm="sha-256", value="AB")
OFFER = Offer(ufrag="u", pwd="p", fingerprints=(FINGERPRINT,), setup=Setup.ACTPASS, lines=())
ANSWER = Answer(ufrag="u", pwd="p", fingerprint=FINGERPRINT, setup=Setup.PASSIVE, addresses=(), lines=())
PUBLISH = Grant(lecture="l", member="m", act=Act.PUBLISH, slots=("lecturer",))
WATCH = Grant(lecture="l", member="m", act=Act.WATCH, slots=("lecturer", "guest"))


class FakeRelay:
    """The relay's end, answering as `reply` says."""

    def __init__(self, path: Path, reply: Callable[[FakeRelay, ToRelay], None] | None = None) -> None:
        self.heard: list[ToRelay] = []
        self.peers: dict[str, OpenPeer] = {}
        self._reply = reply or FakeRelay.answer
        self.server = ControlServer(path, self._receive)

    def _receive(self, message: ToRelay) -> None:
        self.heard.append(message)
        self._reply(self, message)

    def answer(self, message: ToRelay) -> None:
        if isinstance(message, OpenPublication | OpenViewer):
            self.peers[message.peer] = OpenPeer(
                peer=message.peer,
                lecture=message.lecture,
                member=message.member,
                publishes=None,
                connected=False,
                receiving=False,
            )
            self.server.send(Opened(request=message.request, peer=message.peer, answer=ANSWER))
        elif isinstance(message, ClosePeer):
            del self.peers[message.peer]
            self.server.send(PeerClosed(peer=message.peer, reason=message.reason, at=1.0, last=1.0))
        elif isinstance(message, ListPeers):
            self.server.send(Peers(request=message.request, peers=tuple(self.peers.values())))


@asynccontextmanager
async def running(relay: UnixRelay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


async def test_a_publication_and_a_viewer_are_opened(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
    await fake.server.start()
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        await until(lambda: relay.up)
        assert await relay.open(PUBLISH, "one", OFFER) == ANSWER
        assert await relay.open(WATCH, "two", OFFER) == ANSWER
        await relay.route("one", "lecturer", Audience.EVERYONE)
        assert [one.peer for one in await relay.peers()] == ["one", "two"]
        assert relay.knows("one")
        await relay.close("one", Closing.DELETED)
        assert isinstance(fake.heard[-1], ClosePeer)
        assert fake.peers.keys() == {"two"}, "who is told that it is closed finds it closed"
        assert not relay.knows("one")
    opened = [message for message in fake.heard if isinstance(message, OpenPublication | OpenViewer)]
    assert isinstance(opened[0], OpenPublication)
    assert opened[0].slot == "lecturer"
    assert isinstance(opened[1], OpenViewer)
    assert opened[1].slots == ("lecturer", "guest")
    assert Route(publication="one", slot="lecturer", audience=Audience.EVERYONE) in fake.heard
    await fake.server.close()


async def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "control"
    path.write_text("left by a predecessor")
    fake = FakeRelay(path)
    await fake.server.start()
    assert path.stat().st_mode & 0o777 == 0o600
    await fake.server.close()
    assert not path.exists()


async def test_without_a_relay_everything_is_refused(tmp_path: Path) -> None:
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        for call in (relay.open(PUBLISH, "one", OFFER), relay.peers(), relay.route("one", None, Audience.NOBODY)):
            with pytest.raises(Refused) as refused:
                await call
            assert refused.value.reason is Refusal.RELAY_DOWN
            assert refused.value.retry_after == 1


async def test_an_unanswered_question_is_refused_and_its_late_peer_closed(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control", lambda fake, message: None)
    await fake.server.start()
    relay = UnixRelay(tmp_path / "control", timeout=0.05)
    async with running(relay):
        await until(lambda: relay.up)
        with pytest.raises(Refused) as refused:
            await relay.open(WATCH, "late", OFFER)
        assert refused.value.reason is Refusal.RELAY_DOWN
        question = fake.heard[-1]
        assert isinstance(question, OpenViewer)
        fake.server.send(Opened(request=question.request, peer="late", answer=ANSWER))
        await until(lambda: ClosePeer(peer="late", reason=Closing.DELETED) in fake.heard)
    await fake.server.close()


async def test_the_relays_refusal_keeps_its_reason(tmp_path: Path) -> None:
    def full(fake: FakeRelay, message: ToRelay) -> None:
        if isinstance(message, OpenViewer):
            fake.server.send(NotOpened(request=message.request, peer=message.peer, reason=Refusal.FULL, detail="5000"))

    fake = FakeRelay(tmp_path / "control", full)
    await fake.server.start()
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        await until(lambda: relay.up)
        with pytest.raises(Refused) as refused:
            await relay.open(WATCH, "one", OFFER)
        assert (refused.value.reason, refused.value.detail) == (Refusal.FULL, "5000")
        assert refused.value.retry_after
    await fake.server.close()


async def test_closing_a_peer_that_is_gone_is_no_such_session(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
    await fake.server.start()
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        await until(lambda: relay.up)
        await relay.peers()
        await relay.open(WATCH, "one", OFFER)
        fake.server.send(PeerClosed(peer="one", reason=Closing.SILENT, at=1.0, last=0.0))
        events = relay.events()
        assert isinstance(await anext(events), RelayUp)
        assert isinstance(await anext(events), PeerClosed)
        for peer in ("one", "never"):
            with pytest.raises(Refused) as refused:
                await relay.close(peer, Closing.DELETED)
            assert refused.value.reason is Refusal.NO_SESSION
    await fake.server.close()


async def test_a_relay_that_restarts_is_told_and_questions_under_way_are_refused(tmp_path: Path) -> None:
    silent = FakeRelay(tmp_path / "control", lambda fake, message: None)
    await silent.server.start()
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        await until(lambda: relay.up)
        question = asyncio.create_task(relay.open(WATCH, "one", OFFER))
        await until(lambda: any(isinstance(message, OpenViewer) for message in silent.heard))
        await silent.server.close()
        with pytest.raises(Refused):
            await question
        fake = FakeRelay(tmp_path / "control")
        await fake.server.start()
        await until(lambda: relay.up)
        assert await relay.open(WATCH, "two", OFFER) == ANSWER
        events = relay.events()
        told = [type(await anext(events)) for _ in range(3)]
        assert told == [RelayUp, RelayDown, RelayUp]
        await fake.server.close()


async def test_what_happened_while_the_web_process_was_away_is_told_later(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
    await fake.server.start()
    fake.server.send(PeerConnected(peer="one", at=1.0))
    first = UnixRelay(tmp_path / "control")
    async with running(first):
        events = first.events()
        assert [type(await anext(events)) for _ in range(2)] == [RelayUp, PeerConnected]
    await until(lambda: not first.up)
    await asyncio.sleep(0.05)
    fake.server.send(PeerClosed(peer="one", reason=Closing.CLOSED, at=2.0, last=1.5))
    second = UnixRelay(tmp_path / "control")
    async with running(second):
        events = second.events()
        assert [type(await anext(events)) for _ in range(2)] == [RelayUp, PeerClosed]
    await fake.server.close()


async def test_the_newest_web_process_wins(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
    await fake.server.start()
    first, second = UnixRelay(tmp_path / "control"), UnixRelay(tmp_path / "control")
    old = asyncio.create_task(first.run())
    await until(lambda: first.up)
    async with running(second):
        await until(lambda: second.up)
        await until(lambda: not first.up)
        old.cancel()
        await asyncio.gather(old, return_exceptions=True)
        async with asyncio.timeout(5):
            while True:  # the first one may have come back for a moment before it was cancelled
                try:
                    await second.peers()
                    break
                except Refused:
                    await asyncio.sleep(0.02)
    await fake.server.close()


@pytest.mark.parametrize(
    "frame", [(MAX_FRAME + 1).to_bytes(4, "big"), (3).to_bytes(4, "big") + b"\xc1\xc1\xc1", b"\x00\x00\x00\x00"]
)
async def test_a_frame_that_cannot_be_read_is_a_protocol_error(frame: bytes) -> None:
    frames: Frames[ToRelay] = Frames(ToRelay)
    reader = asyncio.StreamReader()
    reader.feed_data(frame)
    reader.feed_eof()
    with pytest.raises(ProtocolError):
        await frames.read(reader)


async def test_the_end_of_the_stream_is_no_message() -> None:
    frames: Frames[ToRelay] = Frames(ToRelay)
    for cut in (b"", b"\x00\x00", b"\x00\x00\x00\x09abc"):
        reader = asyncio.StreamReader()
        reader.feed_data(cut)
        reader.feed_eof()
        assert await frames.read(reader) is None
