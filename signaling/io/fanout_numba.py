"""The compiled `Fanout`: one loop over viewers that encrypts and sends in batches (its theory: loop_numba.py).

Freed memory cannot be reached by compiled code. A session belongs to a Python object that is kept in `_owners` until
`remove`, and an AES-GCM context to one in `_contexts`; `remove` first writes 0 over their addresses; the loop skips a
record without a session's address and a number out of range. Compiled code runs only within a method's call, keeps no
pointer beyond it but those to mappings of this object, and what waits for a full kernel buffer is copied: encrypted
bytes, socket addresses, numbers of viewers. All calls come from one thread (the relay's); the loop lets go of the
interpreter's lock, so calling `remove` from another thread meanwhile would break this.

The bytes are those of `ReferenceFanout`, which is the oracle in the tests. A viewer's session encrypts its RTCP, whose
indices are its own (RFC 3711 §3.4), and of its RTP the SSRCs that the loop does not encrypt: all where the profile is
not AES-GCM, else those beyond `STREAMS`.
"""

from __future__ import annotations

import ctypes
import heapq
import logging
import mmap
import socket
import struct
import time
from array import array
from collections import deque
from collections.abc import Sequence

from pylibsrtp import Session

from signaling.io import loop_layout as at
from signaling.io.code_mmap import Code
from signaling.io.evp_address import GcmContext
from signaling.io.libsrtp_address import LONGEST, TRAILER, Calls, locate, session_address
from signaling.io.port_udp import UdpPort
from signaling.io.srtp_pylibsrtp import HEADER, OUTBOUND_WINDOW, PATIENCE, outbound_session
from signaling.ports import HOLDS, Address, SrtpKeys
from signaling.proof import PERIODS

SPACE = 1 << 16  # bytes of a batch; from 16 to 512 KB the cost is the same
PLAIN_HOSTS = 4_096  # hosts remembered whose route refuses the offload
UDP_SEGMENT = 103
FIRST_CAPACITY = 64
_NAME_BYTES = 8 * at.NAME_WORDS

_log = logging.getLogger(__name__)


class Memory:
    """Words of 64 bits at an address that does not change, on pages of their own, zero at first."""

    def __init__(self, words: int) -> None:
        self._mapping = mmap.mmap(-1, 8 * words)
        self._fixed = ctypes.c_char.from_buffer(self._mapping)  # while this lives the mapping cannot be closed
        self.address = ctypes.addressof(self._fixed)
        self.bytes = memoryview(self._mapping)
        self.words = self.bytes.cast("q")


def offload_works(port: UdpPort) -> bool:
    """Whether this kernel knows UDP_SEGMENT (Linux 4.18)."""
    try:
        port.socket.getsockopt(socket.SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


class CompiledFanout:
    """`Fanout` on a compiled loop. Numbers are given again lowest first, as by the reference. The table of viewers
    grows by doubling; joining, leaving and moving write one record.

    `full` counts the times the kernel's buffer was full, `refused` the messages whose route refused the offload.
    """

    def __init__(self, port: UdpPort, loop: Code, calls: Calls | None = None) -> None:
        self._port = port
        self._run = loop.run
        self._calls = calls or locate()
        self._family = port.socket.family
        self._owners: list[Session | None] = []
        self._contexts: list[GcmContext | None] = []  # None: libsrtp encrypts
        self._destinations: list[Address] = []  # as the socket wants them
        self._free: list[int] = []
        self._plain_hosts: dict[str, None] = {}  # their route refuses the offload; oldest first
        self._table = Memory(FIRST_CAPACITY * at.RECORD)
        self._plain = Memory(at.PACKETS * LONGEST // 8 + 1)
        self._lengths = Memory(at.PACKETS)
        self._held = Memory(HOLDS * at.HELD_SPACE // 8)
        self._held_lengths = Memory(HOLDS)
        self._cipher = Memory((SPACE + (at.PACKETS + 1) * (LONGEST + TRAILER)) // 8)
        self._messages = _Messages(self._family)
        self._shared = Memory(at.BLOCK)
        self._block = self._shared.words
        self._tell(port.fileno())
        self._prepared: Sequence[bytes] = ()  # what `_plain` holds
        self._audience = (array("i"), array("i"))  # whom the block points to, with their offsets
        self._waiting: deque[Sequence[bytes]] = deque()  # packets after those, for the same viewers
        self._since = 0.0
        self.full = 0
        self.refused = 0

    def add(self, keys: SrtpKeys, address: Address) -> int:
        session, destination = outbound_session(keys), self._port.destination(address)
        context = self._calls.evp.context(keys.profile, keys.key_and_salt) if self._calls.evp else None
        name = _socket_address(self._family, destination)
        if self._free:
            index = heapq.heappop(self._free)
        else:
            index = len(self._owners)
            self._owners.append(None)
            self._contexts.append(None)
            self._destinations.append(destination)
            if index == self._block[at.CAPACITY]:
                self._grow()
        self._owners[index], self._contexts[index] = session, context
        record = at.RECORD * index
        self._table.bytes[8 * record : 8 * (record + at.RECORD)] = bytes(8 * at.RECORD)  # no marks, no streams
        self._place(index, destination, name)
        if context is not None:
            self._table.words[record + at.SALT : record + at.SALT + 2] = array("q", struct.unpack("!qL", context.salt))
            self._table.words[record + at.CONTEXT] = context.address
        self._table.words[record + at.SESSION] = session_address(session)
        return index

    def move(self, viewer: int, address: Address) -> None:
        if self._owners[viewer] is not None:
            destination = self._port.destination(address)
            self._place(viewer, destination, _socket_address(self._family, destination))

    def remove(self, viewer: int) -> None:
        if self._owners[viewer] is not None:
            for address in (at.SESSION, at.CONTEXT):
                self._table.words[at.RECORD * viewer + address] = 0  # before what it points to goes
            self._owners[viewer] = self._contexts[viewer] = None
            heapq.heappush(self._free, viewer)

    def mark(self, viewer: int, period: int, mark: int) -> None:
        if self._owners[viewer] is not None:
            record, column = 8 * at.RECORD * viewer, period % PERIODS
            struct.pack_into("=LL", self._table.bytes, record + 8 * (at.MARKS + column), mark, period)
            self._table.words[at.RECORD * viewer + at.FLAGS] |= at.MARKED << column

    def hold(self, packet: bytes, viewers: Sequence[int], offsets: Sequence[int]) -> None:
        who, shifts = _audience(viewers, offsets)
        block, fits = self._block, HEADER <= len(packet) <= LONGEST
        block[at.HELD] += 1
        slot = block[at.HELD] % HOLDS
        self._held_lengths.words[slot] = len(packet) if fits else 0
        if fits:
            self._held.bytes[slot * at.HELD_SPACE : slot * at.HELD_SPACE + len(packet)] = packet
        block[at.HOLD_VIEWERS], block[at.HOLD_OFFSETS] = who.buffer_info()[0], shifts.buffer_info()[0]
        block[at.HOLDERS] = len(who)
        if who:
            self._run(self._shared.address)

    def send(self, packets: Sequence[bytes], viewers: Sequence[int], offsets: Sequence[int]) -> int:
        who, shifts = _audience(viewers, offsets)
        taken = self.resume()
        if self.pending:
            return taken
        self._address(who, shifts)
        if len(packets) <= at.PACKETS:
            self._waiting.append(packets)
        else:
            self._waiting.extend(packets[first : first + at.PACKETS] for first in range(0, len(packets), at.PACKETS))
        return taken + self._go()

    @property
    def pending(self) -> bool:
        return self._block[at.FIRST] < self._block[at.MADE]

    def resume(self) -> int:
        if not self.pending:
            return 0
        taken = self._go()
        if self.pending and time.monotonic() - self._since >= PATIENCE:
            self._waiting.clear()
            self._drop_pending()
        return taken

    def _drop_pending(self) -> None:
        self._block[at.FIRST] = self._block[at.MADE]
        self._block[at.PLACE] = self._block[at.AUDIENCE]

    def send_rtcp(self, packet: bytes, viewers: Sequence[int]) -> int:
        """Media that waits for room in the kernel's buffer goes first: this is lost then."""
        if self.pending or len(packet) > LONGEST:
            return 0
        block, who = self._block, _numbers(viewers)
        self._lay((packet,))
        self._address(who, who)
        block[at.TAKEN] = block[at.FULL] = block[at.HELD_LAST] = 0
        block[at.RTCP] = 1
        self._run(self._shared.address)
        block[at.RTCP] = 0
        self._drop_pending()
        if block[at.FULL]:
            self._note_full(block[at.FULL])
        return block[at.TAKEN]

    def _go(self) -> int:
        """Send what waits, until all is sent or the kernel's buffer is full. One call of the loop for each slice."""
        block, was_pending = self._block, self.pending
        block[at.TAKEN] = block[at.FULL] = block[at.REFUSED] = 0
        if was_pending:
            self._run(self._shared.address)
        while self._waiting and not self.pending:
            self._prepare(self._waiting.popleft())
            block[at.PLACE] = 0
            block[at.HELD_LAST] = not self._waiting  # what is held goes last
            self._run(self._shared.address)
        if self.pending and not was_pending:
            self._since = time.monotonic()
            viewers, offsets = self._audience
            self._address(viewers[:], offsets[:], block[at.PLACE])  # whoever gave them may change them from here on
        if block[at.FULL]:
            self._note_full(block[at.FULL])
        if block[at.REFUSED]:
            self.refused += block[at.REFUSED]
            self._note_refusals()
        return block[at.TAKEN]

    def _prepare(self, packets: Sequence[bytes]) -> None:
        """Lay the packets where the loop reads them; once for all slices of a tuple."""
        if packets is self._prepared and isinstance(packets, tuple):
            return
        self._lay([packet for packet in packets if HEADER <= len(packet) <= LONGEST])
        self._prepared = packets

    def _lay(self, packets: Sequence[bytes]) -> None:
        joined = b"".join(packets)
        self._plain.bytes[: len(joined)] = joined
        for place, packet in enumerate(packets):
            self._lengths.words[place] = len(packet)
        self._block[at.COUNT] = len(packets)
        self._prepared = ()

    def _address(self, viewers: array[int], offsets: array[int], place: int = 0) -> None:
        block = self._block
        block[at.VIEWERS], block[at.OFFSETS] = viewers.buffer_info()[0], offsets.buffer_info()[0]
        block[at.AUDIENCE], block[at.PLACE] = len(viewers), place
        self._audience = viewers, offsets

    def _tell(self, fd: int) -> None:
        """What never changes, and the table."""
        messages, calls = self._messages, self._calls
        for place, value in {
            at.FD: fd,
            at.PLAIN: self._plain.address,
            at.LENGTHS: self._lengths.address,
            at.TABLE: self._table.address,
            at.CAPACITY: FIRST_CAPACITY,
            at.CIPHER: self._cipher.address,
            at.SPACE: SPACE,
            at.MESSAGES: messages.messages.address,
            at.LISTS: messages.lists.address,
            at.CONTROLS: messages.controls.address,
            at.NAMES: messages.names.address,
            at.NOTES: messages.notes.address,
            at.PROTECT: calls.protect,
            at.PROTECT_RTCP: calls.protect_rtcp,
            at.SENDMMSG: calls.sendmmsg,
            at.MEMCPY: calls.memcpy,
            at.ERRNO: calls.errno,
            at.LENGTH: self._shared.address + 8 * at.SCRATCH,
            at.HELD_MOST: HOLDS,
            at.HELD_PLAIN: self._held.address,
            at.HELD_LENGTHS: self._held_lengths.address,
            at.EVP_INIT: calls.evp.init if calls.evp else 0,
            at.EVP_UPDATE: calls.evp.update if calls.evp else 0,
            at.EVP_FINAL: calls.evp.final if calls.evp else 0,
            at.EVP_CONTROL: calls.evp.control if calls.evp else 0,
            at.WINDOW: OUTBOUND_WINDOW,
            at.NONCE: self._shared.address + 8 * at.NONCE_SPACE,
        }.items():
            self._block[place] = value

    def _place(self, viewer: int, destination: Address, name: bytes) -> None:
        record = at.RECORD * viewer
        start = 8 * (record + at.NAME)
        self._table.bytes[start : start + _NAME_BYTES] = name.ljust(_NAME_BYTES, b"\0")
        flags = self._table.words[record + at.FLAGS] & ~at.OFFLOAD
        self._table.words[record + at.FLAGS] = flags | (0 if destination[0] in self._plain_hosts else at.OFFLOAD)
        self._destinations[viewer] = destination

    def _grow(self) -> None:
        """The loop is told of the new table before it runs again, so that the old one may go."""
        old = self._table
        self._table = Memory(2 * len(old.words))
        self._table.words[: len(old.words)] = old.words
        self._block[at.TABLE], self._block[at.CAPACITY] = self._table.address, len(self._table.words) // at.RECORD

    def _note_full(self, times: int) -> None:
        """Logged each time the count doubles: the uplink or the buffer (wmem_max) is too small for this audience."""
        before, self.full = self.full, self.full + times
        if self.full.bit_length() > before.bit_length():
            _log.warning("the kernel's send buffer has been full %d times", self.full)

    def _note_refusals(self) -> None:
        for viewer in self._audience[0]:
            if not 0 <= viewer < len(self._owners) or self._owners[viewer] is None:
                continue
            host = self._destinations[viewer][0]
            if not self._table.words[at.RECORD * viewer + at.FLAGS] & at.OFFLOAD and host not in self._plain_hosts:
                _log.warning("the route to a viewer refuses segmentation offload: sent there without it")
                self._plain_hosts[host] = None
        while len(self._plain_hosts) > PLAIN_HOSTS:
            del self._plain_hosts[next(iter(self._plain_hosts))]


class _Messages:
    """Messages, scatter lists, control messages, socket addresses and notes, laid out once: each message points to its
    own of the others. One more than a batch has: the spare."""

    def __init__(self, family: int) -> None:
        count = at.MOST + 1
        self.messages, self.lists = Memory(count * at.MESSAGE), Memory(count * at.LIST)
        self.controls, self.names = Memory(count * at.CONTROL), Memory(count * at.NAME_WORDS)
        self.notes = Memory(count * at.NOTE)
        for number in range(count):
            control, message = at.CONTROL * number, at.MESSAGE * number
            self.controls.words[control] = at.CONTROL_LENGTH
            self.controls.words[control + 1] = socket.SOL_UDP | UDP_SEGMENT << 32
            self.messages.words[message + at.M_NAME] = self.names.address + _NAME_BYTES * number
            self.messages.words[message + at.M_NAMELEN] = 28 if family == socket.AF_INET6 else 16
            self.messages.words[message + at.M_LIST] = self.lists.address + 8 * at.LIST * number
            self.messages.words[message + at.M_LISTLEN] = 1
            self.messages.words[message + at.M_CONTROL] = self.controls.address + 8 * control


def _audience(viewers: Sequence[int], offsets: Sequence[int]) -> tuple[array[int], array[int]]:
    if len(viewers) != len(offsets):
        raise ValueError(f"{len(offsets)} offsets for {len(viewers)} viewers")
    return _numbers(viewers), _numbers(offsets)


def _numbers(given: Sequence[int]) -> array[int]:
    return given if isinstance(given, array) and given.typecode == "i" else array("i", given)


def _socket_address(family: int, destination: Address) -> bytes:
    """struct sockaddr_in or sockaddr_in6 of a numeric host, as from `UdpPort.destination`."""
    known = socket.getaddrinfo(*destination, family, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)[0][4]
    host, port = str(known[0]).partition("%")[0], int(known[1])
    head = struct.pack("=H", family) + struct.pack("!H", port)
    if family == socket.AF_INET6:
        scope = int(known[3]) if len(known) > 3 else 0
        return head + bytes(4) + socket.inet_pton(socket.AF_INET6, host) + struct.pack("=I", scope)
    return head + socket.inet_pton(socket.AF_INET, host) + bytes(8)
