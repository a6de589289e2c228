"""The compiled `Fanout`: one loop over viewers, compiled by numba at start, that encrypts and sends in batches.

Theory of operation. For each viewer the packets are copied into one buffer, encrypted in place by libsrtp's
`srtp_protect`, called by its address, and named by a message; one `sendmmsg` sends the messages of up to `BATCH`
viewers. Packets that are equal in size, and one shorter tail after them, are one message with UDP_SEGMENT (generic
segmentation offload: the kernel walks its stack once and cuts the bytes into datagrams). The messages, their
scatter lists and control data lie in numpy arrays that are laid out once; a batch writes sizes and pointers only.

Freed memory cannot be reached by compiled code: a session belongs to a Python object that is kept in `_owners` until
`remove`, which first writes 0 over its address; the loop skips a number without an address and one out of range.
Compiled code runs only within `send`, keeps no pointer beyond it, and every buffer that it is told of is an array of
this object. All calls come from one thread (the relay's); the compiled loop lets go of the interpreter's lock, so
calling `remove` from another thread meanwhile would break this.

The bytes are those of `ReferenceFanout`, which is the oracle in the tests: the same sessions, the same calls.
"""

from __future__ import annotations

import errno
import heapq
import logging
import select
import socket
import struct
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from pylibsrtp import Error, Session

from signaling.io.libsrtp_address import LONGEST, TRAILER, Calls, Unavailable, locate, session_address
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import outbound_session
from signaling.ports import Address, SrtpKeys
from signaling.proof import PERIODS

BATCH = 64  # viewers per sendmmsg
PACKETS = 16  # to one viewer per batch; 64 × 16 messages is the most that one sendmmsg takes (UIO_MAXIOV)
MESSAGES = BATCH * PACKETS
FULL_WAIT = 1  # ms that a full kernel buffer is waited for, once per `send`
PLAIN_HOSTS = 4_096  # hosts remembered whose route refuses the offload

UDP_SEGMENT = 103
HEADER = 16  # bytes of a prepared packet's header
NAME = 32  # bytes kept per viewer for a socket address; sockaddr_in6 has 28
FIRST_CAPACITY = 64

# struct mmsghdr as eight words of 64 bits, struct iovec as two, the control message as three (CMSG_SPACE of 16 bits)
_M_NAME, _M_NAMELEN, _M_IOV, _M_IOVLEN, _M_CONTROL, _M_CONTROLLEN = range(6)
_MESSAGE_WORDS, _MESSAGE_BYTES = 8, 64
_IOV_BASE, _IOV_LEN = 0, 1
_CONTROL_SPACE, _CONTROL_LENGTH = 24, 18
# what the compiled loop tells: datagrams taken, messages of the batch at hand, the first of them that is unsent
_TAKEN, _MADE, _FIRST, _REFUSED, _FULL = range(5)

Words = npt.NDArray[np.int64]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CompiledPath:
    """The loop, and what making it took (s). `send` returns the place of the first viewer that is still to do."""

    send: Callable[..., int]
    seconds: float


def compile_path(calls: Calls | None = None) -> CompiledPath:
    """Compile now, for the one signature that is used: nothing is compiled later. About a second; nothing is written
    to the disk (numba cannot keep code that holds addresses of this process). Raises `Unavailable`."""
    began = time.perf_counter()
    found = locate() if calls is None else calls
    try:
        loop = _loop(found)
    except numba.core.errors.NumbaError as error:
        raise Unavailable(f"numba {numba.__version__}: {error}") from error
    return CompiledPath(loop, time.perf_counter() - began)


def _loop(calls: Calls) -> Callable[..., int]:
    """Everything below is compiled; its integers are 64-bit and signed (numba makes a float of signed and unsigned)."""
    protect, sendmmsg, memcpy, errno_address = calls.protect, calls.sendmmsg, calls.memcpy, calls.errno
    again, no_buffers, interrupted = errno.EAGAIN, errno.ENOBUFS, errno.EINTR
    bad_io, bad_argument, too_long = errno.EIO, errno.EINVAL, errno.EMSGSIZE
    no_wait = socket.MSG_DONTWAIT
    jit = numba.njit(nogil=True, error_model="numpy")

    @jit
    def own(cipher, at, shift, marks, viewer):  # type: ignore[no-untyped-def]
        """Make the prepared packet the viewer's own; False where its period has no mark."""
        period = (
            np.int64(cipher[at + 12]) << 24
            | np.int64(cipher[at + 13]) << 16
            | np.int64(cipher[at + 14]) << 8
            | np.int64(cipher[at + 15])
        )
        column = period % PERIODS
        if marks[viewer, column, 0] != period:
            return False
        number = (np.int64(cipher[at + 2]) << 8 | np.int64(cipher[at + 3])) + shift
        cipher[at + 2], cipher[at + 3] = number >> 8 & 0xFF, number & 0xFF
        mark = marks[viewer, column, 1]
        for byte in range(4):
            cipher[at + 12 + byte] = mark >> (24 - 8 * byte) & 0xFF
        return True

    @jit
    def fill(  # type: ignore[no-untyped-def]
        viewers,
        offsets,
        place,
        plain,
        lengths,
        count,
        sessions,
        marks,
        offload,
        names,
        cipher,
        length,
        lists,
        controls,
        messages,
        owner,
    ):
        """Encrypt and lay out the next batch; returns the place after it and the number of messages."""
        made, offset, source = 0, np.int64(cipher.ctypes.data), np.int64(plain.ctypes.data)
        cipher_base = offset
        length_address, name_base = np.int64(length.ctypes.data), np.int64(names.ctypes.data)
        end = min(place + BATCH, viewers.size)
        while place < end:
            viewer, shift = np.int64(viewers[place]), np.int64(offsets[place])
            place += 1
            if viewer < 0 or viewer >= sessions.size or sessions[viewer] == 0:
                continue
            size, start = np.int64(0), source  # `size` of the open run's segments; 0: the next packet begins a message
            for number in range(count):
                memcpy(offset, start, lengths[number])
                length[0] = lengths[number]
                start += lengths[number]
                if not own(cipher, offset - cipher_base, shift, marks, viewer):
                    continue
                if protect(sessions[viewer], offset, length_address) != 0:
                    continue
                done = np.int64(length[0])
                if 0 < done <= size:
                    lists[made - 1, _IOV_LEN] += done
                    messages[made - 1, _M_CONTROLLEN] = _CONTROL_SPACE
                    if done < size:
                        size = np.int64(0)  # only the last segment may be shorter
                else:
                    lists[made, _IOV_BASE], lists[made, _IOV_LEN] = offset, done
                    controls[made, 2] = done
                    messages[made, _M_NAME] = name_base + viewer * NAME
                    messages[made, _M_CONTROLLEN] = 0
                    owner[made] = viewer
                    made += 1
                    size = done if offload[viewer] else np.int64(0)
                offset += done
        return place, made

    @jit
    def one_by_one(fd, message, lists, controls, messages, state):  # type: ignore[no-untyped-def]
        """Send a refused message's segments without the offload, by the spare message behind the last."""
        at, left, size = lists[message, _IOV_BASE], lists[message, _IOV_LEN], controls[message, 2]
        messages[MESSAGES, _M_NAME] = messages[message, _M_NAME]
        while left > 0:
            lists[MESSAGES, _IOV_BASE], lists[MESSAGES, _IOV_LEN] = at, min(size, left)
            if sendmmsg(fd, np.int64(messages.ctypes.data) + MESSAGES * _MESSAGE_BYTES, 1, no_wait) == 1:
                state[_TAKEN] += 1
            at += size
            left -= size

    @jit
    def flush(fd, made, first, offload, length, lists, controls, messages, owner, state):  # type: ignore[no-untyped-def]
        """Send messages; returns the first unsent one, which is `made` unless the kernel's buffer is full. Any other
        error is that of one destination, and a loss like those of the network."""
        while first < made:
            done = sendmmsg(fd, np.int64(messages.ctypes.data) + first * _MESSAGE_BYTES, made - first, no_wait)
            if done > 0:
                for message in range(first, first + done):
                    size = controls[message, 2]
                    state[_TAKEN] += (lists[message, _IOV_LEN] + size - 1) // size
                first += done
                continue
            memcpy(np.int64(length.ctypes.data), errno_address(), 4)
            error = length[0]
            if error == interrupted:
                continue
            if error in (again, no_buffers):
                return first
            if messages[first, _M_CONTROLLEN] != 0 and error in (bad_io, bad_argument, too_long):
                offload[owner[first]] = 0
                state[_REFUSED] += 1
                one_by_one(fd, first, lists, controls, messages, state)
            first += 1
        return first

    def send(  # type: ignore[no-untyped-def]
        fd, viewers, offsets, place, plain, lengths, count, sessions, marks, offload, names, cipher, length, lists,
        controls, messages, owner, state,
    ):  # fmt: skip
        """Finish the batch that `state` says is unsent, then go on from `place`; stops where the buffer is full."""
        while True:
            state[_FIRST] = flush(
                fd, state[_MADE], state[_FIRST], offload, length, lists, controls, messages, owner, state
            )
            if state[_FIRST] < state[_MADE]:
                state[_FULL] += 1
                return place
            if place >= viewers.size:
                return place
            place, state[_MADE] = fill(
                viewers, offsets, place, plain, lengths, count, sessions, marks, offload, names, cipher, length, lists,
                controls, messages, owner,
            )  # fmt: skip
            state[_FIRST] = 0

    kinds = numba.types
    words, table = kinds.int64[::1], kinds.int64[:, ::1]
    flags, small = kinds.uint8[::1], kinds.int32[::1]
    signature = kinds.int64(
        kinds.int64, small, small, kinds.int64, flags, words, kinds.int64, words, kinds.int64[:, :, ::1], flags,
        kinds.uint8[:, ::1], flags, small, table, table, table, words, words,
    )  # fmt: skip
    compiled: Callable[..., int] = numba.njit(signature, nogil=True, error_model="numpy")(send)
    return compiled


def offload_works(port: UdpPort) -> bool:
    """Whether this kernel knows UDP_SEGMENT (Linux 4.18)."""
    try:
        port.socket.getsockopt(socket.SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


class CompiledFanout:
    """`Fanout` on a `CompiledPath`. Numbers are given again lowest first, as by the reference. Arrays of viewers grow
    by doubling; joining, leaving and moving write one place of each.

    `full` counts the times the kernel's buffer was full, `refused` the messages whose route refused the offload.
    """

    def __init__(self, port: UdpPort, path: CompiledPath) -> None:
        self._port = port
        self._path = path
        self._poll = select.poll()
        self._poll.register(port.fileno(), select.POLLOUT)
        self._owners: list[Session | None] = []
        self._destinations: list[Address] = []  # as the socket wants them
        self._free: list[int] = []
        self._plain_hosts: dict[str, None] = {}  # their route refuses the offload; oldest first
        self._sessions = np.zeros(FIRST_CAPACITY, np.int64)
        self._marks = _no_marks(FIRST_CAPACITY)
        self._offload = np.zeros(FIRST_CAPACITY, np.uint8)
        self._names = np.zeros((FIRST_CAPACITY, NAME), np.uint8)
        self._plain = np.zeros(PACKETS * LONGEST, np.uint8)
        self._lengths = np.zeros(PACKETS, np.int64)
        self._cipher = np.zeros(MESSAGES * (LONGEST + TRAILER), np.uint8)
        self._length = np.zeros(1, np.int32)
        self._owner = np.zeros(MESSAGES, np.int64)
        self._state = np.zeros(5, np.int64)
        self._waited = False
        self._lists, self._controls, self._messages = _layout(port.socket.family)
        self.full = 0
        self.refused = 0

    def add(self, keys: SrtpKeys, address: Address) -> int:
        session, destination = outbound_session(keys), self._port.destination(address)
        name = _socket_address(self._port.socket.family, destination)
        if self._free:
            index = heapq.heappop(self._free)
        else:
            index = len(self._owners)
            self._owners.append(None)
            self._destinations.append(address)
            if index == self._sessions.size:
                self._grow()
        self._owners[index] = session
        self._marks[index, :, 0] = -1
        self._sessions[index] = session_address(session)
        self._place(index, destination, name)
        return index

    def move(self, viewer: int, address: Address) -> None:
        if self._owners[viewer] is not None:
            destination = self._port.destination(address)
            self._place(viewer, destination, _socket_address(self._port.socket.family, destination))

    def remove(self, viewer: int) -> None:
        if self._owners[viewer] is not None:
            self._sessions[viewer] = 0  # before the session goes
            self._owners[viewer] = None
            heapq.heappush(self._free, viewer)

    def mark(self, viewer: int, period: int, mark: int) -> None:
        if self._owners[viewer] is not None:
            self._marks[viewer, period % PERIODS] = period, mark

    def send(self, packets: Sequence[bytes], viewers: Sequence[int], offsets: Sequence[int]) -> int:
        """A full kernel buffer is waited for once, `FULL_WAIT`; batches that do not fit after that are lost."""
        fit = [packet for packet in packets if HEADER <= len(packet) <= LONGEST]
        indexes, shifts = _numbers(viewers), _numbers(offsets)
        if indexes.size != shifts.size:
            raise ValueError(f"{shifts.size} offsets for {indexes.size} viewers")
        self._waited = False
        return sum(self._send(fit[first : first + PACKETS], indexes, shifts) for first in range(0, len(fit), PACKETS))

    def send_rtcp(self, packet: bytes, viewer: int) -> bool:
        session = self._owners[viewer]
        if session is None:
            return False
        try:
            return self._port.send_to(session.protect_rtcp(packet), self._destinations[viewer])
        except (Error, ValueError):
            return False

    def _send(self, packets: list[bytes], viewers: npt.NDArray[np.int32], offsets: npt.NDArray[np.int32]) -> int:
        joined = b"".join(packets)
        self._plain[: len(joined)] = np.frombuffer(joined, np.uint8)
        self._lengths[: len(packets)] = [len(packet) for packet in packets]
        state = self._state
        state[:] = 0
        place = 0
        while True:
            place = self._path.send(
                self._port.fileno(), viewers, offsets, place, self._plain, self._lengths, len(packets), self._sessions,
                self._marks, self._offload, self._names, self._cipher, self._length, self._lists, self._controls,
                self._messages, self._owner, state,
            )  # fmt: skip
            if state[_FIRST] == state[_MADE]:
                break
            if self._waited:
                state[_FIRST] = state[_MADE]  # this batch is lost; the next one is tried
            else:
                self._waited = True
                self._poll.poll(FULL_WAIT)
        if state[_FULL]:
            self._note_full(int(state[_FULL]))
        if state[_REFUSED]:
            self.refused += int(state[_REFUSED])
            self._note_refusals(viewers)
        return int(state[_TAKEN])

    def _place(self, viewer: int, destination: Address, name: bytes) -> None:
        self._names[viewer, : len(name)] = np.frombuffer(name, np.uint8)
        self._offload[viewer] = destination[0] not in self._plain_hosts
        self._destinations[viewer] = destination

    def _grow(self) -> None:
        """Compiled code is given the arrays anew by each call, so that the old ones may go."""
        self._sessions = np.concatenate([self._sessions, np.zeros_like(self._sessions)])
        self._marks = np.concatenate([self._marks, _no_marks(len(self._marks))])
        self._offload = np.concatenate([self._offload, np.zeros_like(self._offload)])
        self._names = np.concatenate([self._names, np.zeros_like(self._names)])

    def _note_full(self, times: int) -> None:
        """Logged each time the count doubles: the uplink or the buffer (wmem_max) is too small for this audience."""
        before, self.full = self.full, self.full + times
        if self.full.bit_length() > before.bit_length():
            _log.warning("the kernel's send buffer has been full %d times", self.full)

    def _note_refusals(self, viewers: npt.NDArray[np.int32]) -> None:
        for viewer in viewers.tolist():
            if 0 <= viewer < len(self._owners) and self._owners[viewer] is not None and not self._offload[viewer]:
                host = self._destinations[viewer][0]
                if host not in self._plain_hosts:
                    _log.warning("the route to a viewer refuses segmentation offload: sent there without it")
                    self._plain_hosts[host] = None
        while len(self._plain_hosts) > PLAIN_HOSTS:
            del self._plain_hosts[next(iter(self._plain_hosts))]


def _no_marks(viewers: int) -> Words:
    """For each viewer and period modulo `PERIODS`: the period, its mark."""
    marks = np.zeros((viewers, PERIODS, 2), np.int64)
    marks[:, :, 0] = -1
    return marks


def _numbers(given: Sequence[int]) -> npt.NDArray[np.int32]:
    plain = given if isinstance(given, array) and given.typecode == "i" else array("i", given)
    return np.frombuffer(plain, np.int32)


def _layout(family: int) -> tuple[Words, Words, Words]:
    """Scatter lists, control messages and messages, each message pointing to its own of the others. One more than a
    batch has: the spare."""
    lists = np.zeros((MESSAGES + 1, 2), np.int64)
    controls = np.zeros((MESSAGES + 1, 3), np.int64)
    messages = np.zeros((MESSAGES + 1, _MESSAGE_WORDS), np.int64)
    places = np.arange(MESSAGES + 1)
    controls[:, 0] = _CONTROL_LENGTH
    controls[:, 1] = socket.SOL_UDP | UDP_SEGMENT << 32
    messages[:, _M_NAMELEN] = 28 if family == socket.AF_INET6 else 16
    messages[:, _M_IOV] = lists.ctypes.data + 16 * places
    messages[:, _M_IOVLEN] = 1
    messages[:, _M_CONTROL] = controls.ctypes.data + _CONTROL_SPACE * places
    return lists, controls, messages


def _socket_address(family: int, destination: Address) -> bytes:
    """struct sockaddr_in or sockaddr_in6 of a numeric host, as from `UdpPort.destination`."""
    known = socket.getaddrinfo(*destination, family, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)[0][4]
    host, port = str(known[0]).partition("%")[0], int(known[1])
    head = struct.pack("=H", family) + struct.pack("!H", port)
    if family == socket.AF_INET6:
        scope = int(known[3]) if len(known) > 3 else 0
        return head + bytes(4) + socket.inet_pton(socket.AF_INET6, host) + struct.pack("=I", scope)
    return head + socket.inet_pton(socket.AF_INET, host) + bytes(8)
