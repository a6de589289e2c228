"""The compiled loop that reads thousands of sockets: one `recvmmsg` takes up to 32 datagrams.

Media is counted in place (benchmarks/viewers/counting.py). Everything else (STUN, DTLS, RTCP, and the media of viewers
that decrypt) is copied into a queue for Python. Each datagram's time is the kernel's own (SO_TIMESTAMPNS), so how often
sockets are visited does not show in delays. The sockets do not use UDP_GRO: it would let the kernel hand a train of
datagrams over as one, a favour to the sender that no phone returns.

`recvmmsg` is the C library's, found by its name when compiled code is loaded; no address is compiled in, so that numba
can keep the code on the disk. The layouts are those of 64-bit little-endian Linux.
"""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from benchmarks.viewers.compiled import compiled
from benchmarks.viewers.counting import DECRYPTS, DROPPED, LOSS, RANDOM, THROWN, note_media

BATCH = 32
SIZE = 2_048  # bytes kept of a datagram
CONTROL = 12  # words of control data of a datagram: SO_TIMESTAMPNS takes four, SO_RXQ_OVFL three
QUEUE = 8_192  # datagrams that wait for Python

SO_TIMESTAMPNS = 35  # Linux, 64 bits
SO_RXQ_OVFL = 40
SO_RCVBUFFORCE = 33
# struct mmsghdr as eight words, struct iovec as two
_M_IOV, _M_IOVLEN, _M_CONTROL, _M_CONTROLLEN, _M_LEN = 2, 3, 4, 5, 7
_CONTROL_BYTES = CONTROL * 8
_NO_WAIT = int(socket.MSG_DONTWAIT)

VIEWER, LENGTH, ARRIVED = range(3)  # columns of `Receiver.about`


class Receiver(NamedTuple):
    """Buffers of the loop, laid out once, and the queue for Python."""

    data: npt.NDArray[np.uint8]  # (BATCH, SIZE)
    control: npt.NDArray[np.int64]  # (BATCH, CONTROL)
    lists: npt.NDArray[np.int64]  # (BATCH, 2): struct iovec
    messages: npt.NDArray[np.int64]  # (BATCH, 8): struct mmsghdr
    queue: npt.NDArray[np.uint8]  # (QUEUE, SIZE)
    about: npt.NDArray[np.int64]  # (QUEUE, 3)
    used: npt.NDArray[np.int64]  # places of the queue in use


def make_receiver() -> Receiver:
    data, control = np.zeros((BATCH, SIZE), np.uint8), np.zeros((BATCH, CONTROL), np.int64)
    lists, messages = np.zeros((BATCH, 2), np.int64), np.zeros((BATCH, 8), np.int64)
    for place in range(BATCH):
        lists[place] = data[place].ctypes.data, SIZE
        messages[place, _M_IOV], messages[place, _M_IOVLEN] = lists[place].ctypes.data, 1
        messages[place, _M_CONTROL], messages[place, _M_CONTROLLEN] = control[place].ctypes.data, _CONTROL_BYTES
    queue, about = np.zeros((QUEUE, SIZE), np.uint8), np.zeros((QUEUE, 3), np.int64)
    return Receiver(data, control, lists, messages, queue, about, np.zeros(1, np.int64))


def make_socket(host: str, receive_buffer: int) -> socket.socket:
    """A viewer's socket, bound, ready for the loop. `receive_buffer` in bytes; beyond the system's limit for root."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer)
    except PermissionError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    made.bind((host, 0))
    return made


_recvmmsg: Any = types.ExternalFunction(
    "recvmmsg", types.int32(types.int32, types.intp, types.uint32, types.int32, types.intp)
)


@compiled
def _arrival(control, length, about):  # type: ignore[no-untyped-def]
    """The kernel's time of a datagram (ns); enters what the socket has dropped so far."""
    arrival, place = np.int64(0), 0
    while place + 2 < length >> 3:
        size, kind = control[place], control[place + 1]
        if kind & 0xFFFFFFFF == 1:  # SOL_SOCKET
            if kind >> 32 == SO_TIMESTAMPNS:
                arrival = control[place + 2] * 1_000_000_000 + control[place + 3]
            elif kind >> 32 == SO_RXQ_OVFL:
                about[DROPPED] = control[place + 2] & 0xFFFFFFFF
        if size < 16:
            break
        place += (size + 7) >> 3
    return arrival


@compiled
def _thrown(about):  # type: ignore[no-untyped-def]
    """Whether this packet is one of the share that shall be lost (a linear congruential generator, its high bits)."""
    if about[LOSS] == 0:
        return False
    about[RANDOM] = about[RANDOM] * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407
    if (about[RANDOM] >> 32) & 0xFFFFFFFF >= about[LOSS]:
        return False
    about[THROWN] += 1
    return True


@compiled
def _take(counts, receiver, viewer, place):  # type: ignore[no-untyped-def]
    """One datagram of the batch."""
    message, data = receiver.messages[place], receiver.data[place]
    size, about = message[_M_LEN] & 0xFFFFFFFF, counts.viewers[viewer]
    arrival = _arrival(receiver.control[place], message[_M_CONTROLLEN], about)
    message[_M_CONTROLLEN] = _CONTROL_BYTES
    first, second = np.int64(data[0]), np.int64(data[1])
    if 128 <= first < 192 and size >= 12 and not 64 <= second & 0x7F < 96:
        if _thrown(about):
            return
        number = np.int64(data[2]) << 8 | np.int64(data[3])
        timestamp = np.int64(data[4]) << 24 | np.int64(data[5]) << 16 | np.int64(data[6]) << 8 | np.int64(data[7])
        ssrc = np.int64(data[8]) << 24 | np.int64(data[9]) << 16 | np.int64(data[10]) << 8 | np.int64(data[11])
        note_media(counts, viewer, second, number, timestamp, ssrc, size, arrival)
        if about[DECRYPTS] == 0:
            return
    entry = receiver.used[0]
    receiver.queue[entry, :size] = data[:size]
    receiver.about[entry, VIEWER], receiver.about[entry, LENGTH], receiver.about[entry, ARRIVED] = viewer, size, arrival
    receiver.used[0] = entry + 1


@compiled
def sweep(counts, receiver, descriptors, viewers, count, place):  # type: ignore[no-untyped-def]
    """Read everything that waits at the first `count` of `viewers` (places) from `place` on. Returns where it stopped:
    before `count` only where the queue is full, which Python must empty first."""
    while place < count:
        viewer = viewers[place]
        while True:
            if receiver.used[0] + BATCH > QUEUE:
                return place
            got = _recvmmsg(
                np.int32(descriptors[viewer]), receiver.messages.ctypes.data, np.uint32(BATCH), np.int32(_NO_WAIT), 0
            )
            for one in range(got):
                _take(counts, receiver, viewer, one)
            if got < BATCH:
                break
        place += 1
    return place
