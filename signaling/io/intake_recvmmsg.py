"""The compiled `Intake`: `recvmmsg` into buffers that are laid out once, and strangers turned away in the same call.

The compiled part is intake_numba.py; this is its memory (intake_layout.py), and what is made of what it lets in. All
memory belongs to this object and lives as long; the code runs only within a method's call.
"""

from __future__ import annotations

import ctypes
import socket
from collections.abc import Callable, Sequence

from signaling.io import intake_layout as layout
from signaling.io.intake import (
    BATCH,
    LONGEST_NAME,
    MILLION,
    NAME_RATE,
    RATES,
    REASONS,
    STRANGER_RATE,
    Arrival,
    name_bytes,
)
from signaling.io.libsrtp_address import Unavailable
from signaling.io.port_udp import MAX_DATAGRAM, Content, UdpPort
from signaling.ports import Address
from signaling.relay.peers import MOST_ADDRESSES

WORD = 8  # bytes

Key = tuple[int, int, int]

_CONTENT = tuple(Content)


def recvmmsg_address() -> int:
    """Raises `Unavailable` where the C library has none."""
    try:
        address = ctypes.cast(ctypes.CDLL(None).recvmmsg, ctypes.c_void_p).value
    except AttributeError as error:
        raise Unavailable(f"the C library: {error}") from error
    assert address is not None
    return address


class Memory:
    """Zeroed words that keep their address. What is not touched costs nothing."""

    def __init__(self, words: int) -> None:
        self._bytes = bytearray(WORD * words)
        self.words = memoryview(self._bytes).cast("q")  # while a view exists a bytearray cannot be moved
        self.bytes = memoryview(self._bytes)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))

    def write(self, place: int, words: Sequence[int]) -> None:
        for number, word in enumerate(words):
            self.words[place + number] = word


class CompiledIntake:
    """`Intake` for at most `peers` peers, by the compiled `operate` of intake_numba.py and the address of `recvmmsg`.
    All calls come from one thread."""

    def __init__(self, port: UdpPort, operate: Callable[[int], int], recvmmsg: int, peers: int) -> None:
        self._port = port
        self._operate = operate
        addresses = peers * (MOST_ADDRESSES + 1)
        self._address_numbers, self._name_numbers = _Numbers(addresses), _Numbers(peers)
        self._known: dict[int, tuple[Address, str]] = {}  # by the address's number
        self._tables = {
            layout.ADDRESSES: _table(addresses),
            layout.UFRAGS: _table(peers),
            layout.CHECKS: _table(peers),
        }
        self._address_buckets = Memory(layout.BUCKET * layout.CONTENTS * (addresses + 1))
        self._name_buckets = Memory(layout.BUCKET * (peers + 1))
        self._rates = _rates()
        self._data = Memory(BATCH * MAX_DATAGRAM // WORD)
        self._names = Memory(BATCH * layout.NAME)
        self._lists, self._messages = _messages(self._data.address, self._names.address)
        self._found = Memory(BATCH * layout.FINDING)
        self._block = self._layout(recvmmsg)
        self._address_buckets.words[layout.BUCKET * Content.RTCP] = STRANGER_RATE[1] * MILLION

    def _layout(self, recvmmsg: int) -> Memory:
        block = Memory(layout.BLOCK)
        words = block.words
        words[layout.DESCRIPTOR], words[layout.RECVMMSG] = self._port.fileno(), recvmmsg
        words[layout.MESSAGES], words[layout.NAMES] = self._messages.address, self._names.address
        words[layout.DATA], words[layout.FOUND] = self._data.address, self._found.address
        words[layout.ADDRESS_BUCKETS], words[layout.NAME_BUCKETS] = (
            self._address_buckets.address,
            self._name_buckets.address,
        )
        words[layout.RATES] = self._rates.address
        for place, table in self._tables.items():
            words[place], words[place + 1] = table.address, len(table.words) // layout.ROW - 1
        return block

    @property
    def drained(self) -> bool:
        return bool(self._block.words[layout.DRAINED])

    @property
    def heard(self) -> int:
        return self._block.words[layout.HEARD]

    @property
    def refused(self) -> dict[str, int]:
        counts = {reason: self._block.words[layout.REFUSED + place] for place, reason in enumerate(REASONS)}
        return {reason: count for reason, count in counts.items() if count}

    def add_name(self, ufrag: str) -> None:
        self.remove_name(ufrag)
        number = self._name_numbers.take()
        self._name_buckets.write(layout.BUCKET * number, (NAME_RATE[1] * MILLION, 0))
        self._put(layout.UFRAGS, _name_key(ufrag), number)

    def remove_name(self, ufrag: str) -> None:
        self._name_numbers.give_back(self._drop(layout.UFRAGS, _name_key(ufrag)))

    def add_address(self, address: Address, peer: str) -> None:
        self.remove_address(address)
        number = self._address_numbers.take()
        self._known[number] = (address, peer)
        for content, (_, burst) in RATES.items():
            place = layout.BUCKET * (layout.CONTENTS * number + content)
            self._address_buckets.write(place, (burst * MILLION, 0))
        self._put(layout.ADDRESSES, self._address_key(address), number)

    def remove_address(self, address: Address) -> None:
        number = self._drop(layout.ADDRESSES, self._address_key(address))
        self._known.pop(number, None)
        self._address_numbers.give_back(number)

    def add_check(self, transaction: bytes) -> None:
        self._put(layout.CHECKS, _transaction_key(transaction), 1)

    def remove_check(self, transaction: bytes) -> None:
        self._drop(layout.CHECKS, _transaction_key(transaction))

    def read(self, now: float) -> list[Arrival]:
        block = self._block.words
        block[layout.OPERATION], block[layout.NOW] = layout.READ, int(now * MILLION)
        self._operate(self._block.address)
        count = block[layout.LET_IN]
        if not count:
            return []
        arrivals = []
        rows, data, known = self._found.words[: layout.FINDING * count].tolist(), self._data.bytes, self._known
        for row in range(0, len(rows), layout.FINDING):
            content, at, size, number = rows[row : row + layout.FINDING]
            source, peer = known[number] if number else (self._source(at), None)
            start = at * MAX_DATAGRAM
            arrivals.append(Arrival(_CONTENT[content], data[start : start + size].tobytes(), source, peer))
        return arrivals

    def _source(self, at: int) -> Address:
        size = layout.NAME * WORD
        return self._port.source(self._names.bytes[at * size : (at + 1) * size].tobytes())

    def _put(self, table: int, key: Key, number: int) -> None:
        self._block.words[layout.OPERATION] = layout.PUT
        self._block.write(layout.TABLE, (table, *key, number))
        self._operate(self._block.address)

    def _drop(self, table: int, key: Key) -> int:
        """Returns the number of the row, or 0 where there was none."""
        self._block.words[layout.OPERATION] = layout.DROP
        self._block.write(layout.TABLE, (table, *key))
        self._operate(self._block.address)
        return self._block.words[layout.NUMBER]

    def _address_key(self, address: Address) -> Key:
        name = self._port.name(address)
        if self._port.socket.family == socket.AF_INET:
            return _word(name[:8]), 0, 0
        return _word(name[:4]), _word(name[8:16]), _word(name[16:24])


class _Numbers:
    """1 to `most`, each held by one at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._given = 0
        self._free: list[int] = []

    def take(self) -> int:
        """Raises `OverflowError` where all are held: more peers than the limits allow."""
        if self._free:
            return self._free.pop()
        if self._given == self._most:
            raise OverflowError(f"{self._most} rows are all in use")
        self._given += 1
        return self._given

    def give_back(self, number: int) -> None:
        """0 is nobody's number."""
        if number:
            self._free.append(number)


def _table(most: int) -> Memory:
    return Memory(layout.ROW << (2 * most).bit_length())


def _rates() -> Memory:
    rates = Memory(layout.RATE * (layout.CONTENTS + 2))
    numbered = {**{int(content): rate for content, rate in RATES.items()}, layout.NAME_RATE: NAME_RATE}
    for number, rate in {**numbered, layout.STRANGER_RATE: STRANGER_RATE}.items():
        rates.write(layout.RATE * number, rate)
    return rates


def _messages(data: int, names: int) -> tuple[Memory, Memory]:
    """Scatter lists, and messages that each point to one of them and to a name."""
    lists, messages = Memory(BATCH * layout.LIST), Memory(BATCH * layout.MESSAGE)
    for at in range(BATCH):
        lists.write(layout.LIST * at, (data + MAX_DATAGRAM * at, MAX_DATAGRAM))
        place = layout.MESSAGE * at
        messages.words[place + layout.M_NAME] = names + WORD * layout.NAME * at
        messages.words[place + layout.M_LIST] = lists.address + WORD * layout.LIST * at
        messages.words[place + layout.M_LISTLEN] = 1
    return lists, messages


def _word(raw: bytes) -> int:
    return int.from_bytes(raw.ljust(WORD, bytes(1)), "little", signed=True)


def _name_key(ufrag: str) -> Key:
    name = name_bytes(ufrag)
    return _word(name[:8]), _word(name[8:LONGEST_NAME]), len(name)


def _transaction_key(transaction: bytes) -> Key:
    return _word(transaction[:8]), _word(transaction[8:12]), 0
