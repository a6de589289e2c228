"""The UDP port over loopback, and what a first byte says."""

from __future__ import annotations

import os
import select
import socket

import pytest

from signaling.io.port_udp import Content, UdpPort, content_of


@pytest.mark.parametrize(
    ("first", "second", "content"),
    [
        (0, 1, Content.STUN),
        (3, 0, Content.STUN),
        (4, 0, Content.UNKNOWN),
        (16, 0, Content.UNKNOWN),
        (20, 254, Content.DTLS),
        (63, 254, Content.DTLS),
        (64, 0, Content.UNKNOWN),
        (128, 96, Content.RTP),
        (128, 224, Content.RTP),
        (191, 111, Content.RTP),
        (128, 200, Content.RTCP),
        (129, 206, Content.RTCP),
        (144, 192, Content.RTCP),
        (192, 0, Content.UNKNOWN),
        (255, 0, Content.UNKNOWN),
    ],
)
def test_the_first_byte_decides(first: int, second: int, content: Content) -> None:
    assert content_of(bytes([first, second]) + bytes(10)) is content


@pytest.mark.parametrize("datagram", [b"", b"\x00", bytes([128]) + bytes(10)])
def test_what_is_too_short_is_nothing(datagram: bytes) -> None:
    assert content_of(datagram) is Content.UNKNOWN


def _arrives(port: UdpPort) -> tuple[bytes, tuple[str, int]]:
    select.select([port], [], [], 5)
    received = port.receive()
    assert received is not None
    return received


@pytest.mark.parametrize("host", ["127.0.0.1", "", "::"])
def test_ipv4_peers_are_written_plainly(host: str) -> None:
    port = UdpPort.bind(host, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        peer.sendto(b"question", ("127.0.0.1", port.number))
        data, source = _arrives(port)
        assert (data, source) == (b"question", peer.getsockname())
        assert port.send(b"answer", source)
        assert peer.recvfrom(100)[0] == b"answer"
    assert port.receive() is None
    port.close()


def test_one_port_serves_both_families_where_the_machine_has_both() -> None:
    port = UdpPort.bind("", 0)
    try:
        peer = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        peer.bind(("::1", 0))
    except OSError:  # a machine without IPv6: the port fell back to IPv4
        assert port.host in ("0.0.0.0", "::")
        port.close()
        return
    with peer:
        peer.settimeout(5)
        peer.sendto(b"question", ("::1", port.number))
        data, source = _arrives(port)
        assert (data, source[0]) == (b"question", "::1")
        assert port.send(b"answer", source)
        assert peer.recvfrom(100)[0] == b"answer"
    port.close()


def test_a_port_outlives_its_first_owner() -> None:
    first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    first.bind(("127.0.0.1", 0))
    port = UdpPort.inherit(os.dup(first.fileno()))
    number = first.getsockname()[1]
    first.close()
    assert port.number == number
    port.close()


def test_what_the_kernel_refuses_is_told_and_not_raised() -> None:
    port = UdpPort.bind("127.0.0.1", 0)
    assert not port.send(bytes(70_000), ("127.0.0.1", port.number))
    port.close()
