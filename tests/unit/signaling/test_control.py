"""Both ends of the control socket: questions and answers, events in order, and what happens when either end goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
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
from signaling.io.control_server_unix import MAX_UNSENT, ControlServer
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
        self.server.start()
        self._loop = asyncio.get_running_loop()
        self._descriptor = self.server.fileno()
        self._loop.add_reader(self._descriptor, self._serve)

    def _serve(self) -> None:
        self.server.serve()
        if self.server.waiting:
            self._loop.call_soon(self._serve)

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self.server.close()

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
    fake.close()


async def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "control"
    path.write_text("left by a predecessor")
    fake = FakeRelay(path)
    assert path.stat().st_mode & 0o777 == 0o600
    fake.close()
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
    fake.close()


async def test_the_relays_refusal_keeps_its_reason(tmp_path: Path) -> None:
    def full(fake: FakeRelay, message: ToRelay) -> None:
        if isinstance(message, OpenViewer):
            fake.server.send(NotOpened(request=message.request, peer=message.peer, reason=Refusal.FULL, detail="5000"))

    fake = FakeRelay(tmp_path / "control", full)
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        await until(lambda: relay.up)
        with pytest.raises(Refused) as refused:
            await relay.open(WATCH, "one", OFFER)
        assert (refused.value.reason, refused.value.detail) == (Refusal.FULL, "5000")
        assert refused.value.retry_after
    fake.close()


async def test_closing_a_peer_that_is_gone_is_no_such_session(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
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
    fake.close()


async def test_a_relay_that_restarts_is_told_and_questions_under_way_are_refused(tmp_path: Path) -> None:
    silent = FakeRelay(tmp_path / "control", lambda fake, message: None)
    relay = UnixRelay(tmp_path / "control")
    async with running(relay):
        await until(lambda: relay.up)
        question = asyncio.create_task(relay.open(WATCH, "one", OFFER))
        await until(lambda: any(isinstance(message, OpenViewer) for message in silent.heard))
        silent.close()
        with pytest.raises(Refused):
            await question
        fake = FakeRelay(tmp_path / "control")
        await until(lambda: relay.up)
        assert await relay.open(WATCH, "two", OFFER) == ANSWER
        events = relay.events()
        told = [type(await anext(events)) for _ in range(3)]
        assert told == [RelayUp, RelayDown, RelayUp]
        fake.close()


async def test_what_happened_while_the_web_process_was_away_is_told_later(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
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
    fake.close()


async def test_the_newest_web_process_wins(tmp_path: Path) -> None:
    fake = FakeRelay(tmp_path / "control")
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
    fake.close()


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


def whole(message: object) -> bytes:
    return Frames(ToRelay).encode(message)


def test_frames_are_taken_off_what_was_read_when_they_are_whole() -> None:
    frames: Frames[ToRelay] = Frames(ToRelay)
    first, second = ListPeers(request=1), ClosePeer(peer="one", reason=Closing.DELETED)
    stream, buffer, taken = whole(first) + whole(second), bytearray(), []
    for byte in stream:
        buffer.append(byte)
        message = frames.take(buffer)
        taken += [message] if message is not None else []
    assert taken == [first, second]
    assert not buffer
    for frame in ((MAX_FRAME + 1).to_bytes(4, "big"), (3).to_bytes(4, "big") + b"\xc1\xc1\xc1", b"\x00\x00\x00\x00"):
        with pytest.raises(ProtocolError):
            frames.take(bytearray(frame))


class WebProcess:
    """The other end of the control socket, byte by byte."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.socket.settimeout(5)

    def gone(self) -> bool:
        """Whether the relay has cut the connection; what was sent before is read."""
        try:
            while self.socket.recv(1 << 20):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[ControlServer, list[ToRelay], Path]]:
    heard: list[ToRelay] = []
    server = ControlServer(tmp_path / "control", heard.append)
    server.start()
    yield server, heard, tmp_path / "control"
    server.close()


def test_one_message_is_given_at_a_time(served: tuple[ControlServer, list[ToRelay], Path]) -> None:
    server, heard, path = served
    web = WebProcess(path)
    server.serve()
    web.socket.send(whole(ListPeers(request=1)) + whole(ListPeers(request=2)) + whole(ListPeers(request=3))[:3])
    server.serve()
    assert heard == [ListPeers(request=1)]
    assert server.waiting
    server.serve(5.0)
    assert heard == [ListPeers(request=1), ListPeers(request=2)]
    assert not server.waiting
    web.socket.close()


def test_what_was_said_before_the_connection_broke_is_given(served: tuple[ControlServer, list[ToRelay], Path]) -> None:
    server, heard, path = served
    web = WebProcess(path)
    server.serve()
    web.socket.send(whole(ListPeers(request=1)) + whole(ListPeers(request=2)))
    web.socket.close()
    for _ in range(3):
        server.serve()
    assert heard == [ListPeers(request=1), ListPeers(request=2)]
    server.send(PeerConnected(peer="one", at=1.0))
    again = WebProcess(path)
    server.serve()
    assert again.socket.recv(1000), "kept for the next one"
    again.socket.close()


def test_rubbish_cuts_the_connection(served: tuple[ControlServer, list[ToRelay], Path]) -> None:
    server, heard, path = served
    web = WebProcess(path)
    server.serve()
    web.socket.send(whole(ListPeers(request=1)) + b"\xff" * 9)
    server.serve()
    assert web.gone()
    assert heard == [ListPeers(request=1)]


def test_a_web_process_that_reads_late_gets_everything_in_order(
    served: tuple[ControlServer, list[ToRelay], Path],
) -> None:
    server, _, path = served
    web = WebProcess(path)
    server.serve()
    sent = [PeerConnected(peer=f"{number:0500}", at=float(number)) for number in range(2_000)]
    for message in sent:
        server.send(message)
    expected, found = b"".join(map(whole, sent)), bytearray()
    while len(found) < len(expected):
        found += web.socket.recv(1 << 16)
        server.serve()
    assert found == expected
    web.socket.close()


def test_a_web_process_that_reads_nothing_is_cut_off(served: tuple[ControlServer, list[ToRelay], Path]) -> None:
    server, _, path = served
    web = WebProcess(path)
    server.serve()
    for number in range(MAX_UNSENT // 100_000 + 20):
        server.send(PeerConnected(peer="x" * 100_000, at=float(number)))
    assert web.gone()
    web.socket.close()
