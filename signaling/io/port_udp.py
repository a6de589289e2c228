"""One UDP port for everything: STUN, DTLS and SRTP told apart by their first byte (RFC 7983).

Where the host is `::` the socket is dual stack; IPv4 peers then appear to the rest as plain IPv4 addresses.
"""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import socket
import struct
import sys

from signaling.ports import Address

MAX_DATAGRAM = 2_048
RECEIVE_BUFFER = 4 << 20  # bytes: at 200,000 feedback packets a second this is about 100 ms
SEND_BUFFER = 8 << 20

_MAPPED = "::ffff:"


class Content(enum.IntEnum):
    """What a datagram holds, by its first byte."""

    UNKNOWN = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


_BY_FIRST_BYTE = tuple(
    Content.STUN if byte < 4 else Content.DTLS if 20 <= byte < 64 else Content.RTP if 128 <= byte < 192 else 0
    for byte in range(256)
)


def content_of(datagram: bytes) -> Content:
    """RFC 7983 §7, and RFC 5761 §4 for RTP against RTCP (types 64 to 95 of the second byte without its marker)."""
    if len(datagram) < 12:
        return Content.UNKNOWN
    content = Content(_BY_FIRST_BYTE[datagram[0]])
    if content is Content.RTP and 64 <= datagram[1] & 0x7F < 96:
        return Content.RTCP
    return content


class UdpPort:
    """A bound, non-blocking UDP socket. Addresses are (host, port) with IPv4 written plainly."""

    def __init__(self, bound: socket.socket) -> None:
        bound.setblocking(False)
        for option, size in ((socket.SO_RCVBUF, RECEIVE_BUFFER), (socket.SO_SNDBUF, SEND_BUFFER)):
            _enlarge(bound, option, size)
        self._socket = bound
        self._mapped = bound.family == socket.AF_INET6

    @classmethod
    def bind(cls, host: str, port: int) -> UdpPort:
        """`host` empty or `::` means every address of both families, where the machine has IPv6."""
        if host in ("", "::"):
            with contextlib.suppress(OSError):
                return cls(_bind(socket.AF_INET6, "::", port))
            return cls(_bind(socket.AF_INET, "0.0.0.0", port))  # noqa: S104 - asked for
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        return cls(_bind(family, host, port))

    @classmethod
    def inherit(cls, descriptor: int) -> UdpPort:
        """Take over a socket that the parent bound, so that the port survives this process."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def socket(self) -> socket.socket:
        """For the packet path, which calls the kernel itself."""
        return self._socket

    @property
    def number(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def host(self) -> str:
        return str(self._socket.getsockname()[0])

    def receive(self) -> tuple[bytes, Address] | None:
        """The next datagram that waits, or None; a longer one than `MAX_DATAGRAM` is cut, one byte behind it. An error
        of an earlier send (ICMP) is not a datagram."""
        while True:
            try:
                data, source = self._socket.recvfrom(MAX_DATAGRAM + 1)
            except (BlockingIOError, InterruptedError):
                return None
            except ConnectionError:
                continue
            return data, self._plainly(source[0], source[1])

    def _plainly(self, host: str, port: int) -> Address:
        if self._mapped and host.startswith(_MAPPED):
            return host[len(_MAPPED) :], port
        return host, port

    def source(self, name: bytes) -> Address:
        """The address in a `struct sockaddr` that the kernel wrote, as `receive` gives it."""
        port = int.from_bytes(name[2:4], "big")
        if self._socket.family == socket.AF_INET:
            return socket.inet_ntop(socket.AF_INET, name[4:8]), port
        host = socket.inet_ntop(socket.AF_INET6, name[8:24])
        scope = int.from_bytes(name[24:28], sys.byteorder)
        if scope:
            with contextlib.suppress(OSError):
                host = f"{host}%{socket.if_indextoname(scope)}"
        return self._plainly(host, port)

    def name(self, address: Address) -> bytes:
        """The `struct sockaddr` (16 or 28 bytes) of a numeric address, as the socket wants it."""
        return socket_address(self._socket.family, self.destination(address))

    def destination(self, address: Address) -> Address:
        """The address as the socket wants it."""
        if self._mapped and ":" not in address[0]:
            return (_MAPPED + address[0], address[1])
        return address

    def send(self, datagram: bytes, address: Address) -> bool:
        return self.send_to(datagram, self.destination(address))

    def send_to(self, datagram: bytes, destination: Address) -> bool:
        """`destination` as from `destination()`. False where the kernel's buffer is full or the way is not there:
        both are losses like those of the network."""
        try:
            self._socket.sendto(datagram, destination)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._socket.close()


def socket_address(family: int, destination: Address) -> bytes:
    """`struct sockaddr_in` or `sockaddr_in6` of a numeric host, as from `UdpPort.destination`."""
    host, _, zone = destination[0].partition("%")
    head = struct.pack("=H", family) + struct.pack("!H", destination[1])
    if family == socket.AF_INET6:
        scope = (int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)) if zone else 0
        return head + bytes(4) + socket.inet_pton(socket.AF_INET6, host) + struct.pack("=I", scope)
    return head + socket.inet_pton(socket.AF_INET, host) + bytes(8)


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _enlarge(bound: socket.socket, option: int, size: int) -> None:
    """The forced variant passes the system's limit, for those who may (root)."""
    forced = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}[option]  # SO_RCVBUFFORCE, SO_SNDBUFFORCE of Linux
    try:
        bound.setsockopt(socket.SOL_SOCKET, forced, size)
    except OSError:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, option, size)
