"""What of the reading of the port is compiled, by numba.

Theory of operation. READ reads up to `BATCH` datagrams by `recvmmsg`, judges each where it lies, and goes on reading
while all of a batch is turned away (at most `BATCHES` times); so a flood costs its system calls and a few look-ups.
What is let in is told as rows of (content, place in the buffers, size, number of the address).

The allow list is three hash tables: addresses, ufrags, our own checks. A key is three words: a socket address as the
kernel writes it, without flow label and scope; a ufrag's bytes and their number; a transaction. The tables are of fixed
size and never more than half full, and nobody puts rows in who has not proved a password, so that a search is short
whoever chose the key. A row is removed by moving back what was pushed behind it; a search ends at the first empty row.

Nothing outside is referred to, nothing allocated and nothing raised (calls_numba.py); only the compiler's process
imports this module. Integers are signed, but for the hash.
"""

# mypy: ignore-errors
# The types here are numba's, and numba checks them.

from __future__ import annotations

import socket

import numba
from numba.extending import intrinsic

from signaling.io.calls_numba import INT, WORD, call, compiled, int64, jit, octets, words
from signaling.io.intake import BATCH, LARGEST_STUN, LONGEST_NAME
from signaling.io.intake_layout import (
    ADDRESS_BUCKETS,
    ADDRESSES,
    BUCKET,
    CHECKS,
    CONTENTS,
    DATA,
    DESCRIPTOR,
    DRAINED,
    DROP,
    FINDING,
    FOUND,
    HEARD,
    KEY,
    LET_IN,
    M_FLAGS,
    M_LENGTH,
    M_NAMELEN,
    MESSAGE,
    MESSAGES,
    NAME,
    NAME_BUCKETS,
    NAME_RATE,
    NAMES,
    NOW,
    NUMBER,
    OPERATION,
    PUT,
    RATE,
    RATES,
    RECVMMSG,
    REFUSED,
    ROW,
    STRANGER_RATE,
    TABLE,
    UFRAGS,
)
from signaling.io.port_udp import MAX_DATAGRAM, Content

BATCHES = 16  # read in one call while nothing is let in: less than a millisecond
MILLION = 1_000_000

STUN, DTLS, RTP, RTCP = (int(one) for one in (Content.STUN, Content.DTLS, Content.RTP, Content.RTCP))
UNREADABLE, UNKNOWN_SOURCE, UNKNOWN_CHECK, TOO_MANY = range(4)  # as intake.REASONS
ALLOWED = -1
INET, NO_WAIT, CUT = int(socket.AF_INET), int(socket.MSG_DONTWAIT), int(socket.MSG_TRUNC)
REQUEST, SUCCESS, COOKIE, USERNAME, FINGERPRINT, COLON = 0x0001, 0x0101, 0x2112A442, 0x0006, 0x80280004, 0x3A

uint64 = numba.types.uint64


@intrinsic
def call_recvmmsg(_, function, fd, messages, count, flags, timeout):
    return call(INT, INT, WORD, INT, INT, WORD)


# --- the allow list -------------------------------------------------------------------------------------------------


@jit
def find(block, table, first, second, third):
    """The address of the row of a key, or of the empty one where it would be."""
    mixed = uint64(first) * uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> uint64(29)) ^ uint64(second)) * uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> uint64(32)) ^ uint64(third)) * uint64(0x94D049BB133111EB)
    place = int64(mixed >> uint64(33)) & block[table + 1]
    while True:
        row = words(block[table] + 8 * ROW * place)
        if row[3] == 0 or (row[0] == first and row[1] == second and row[2] == third):
            return place
        place = (place + 1) & block[table + 1]


@jit
def write(block, table, first, second, third, number):
    row = words(block[table] + 8 * ROW * find(block, table, first, second, third))
    row[0], row[1], row[2], row[3] = first, second, third, number


@jit
def number_of(block, table, first, second, third):
    return words(block[table] + 8 * ROW * find(block, table, first, second, third))[3]


@jit
def drop(block, table, first, second, third):
    """Empty a row, and move back those behind it that a search would no longer find. Returns its number, or 0."""
    place = find(block, table, first, second, third)
    row = words(block[table] + 8 * ROW * place)
    number = row[3]
    row[3] = 0
    while number != 0:
        place = (place + 1) & block[table + 1]
        row = words(block[table] + 8 * ROW * place)
        if row[3] == 0:
            break
        first, second, third, moved = row[0], row[1], row[2], row[3]
        row[3] = 0
        write(block, table, first, second, third, moved)
    return number


# --- a datagram -----------------------------------------------------------------------------------------------------


@jit
def take(bucket_address, rate_address, now):
    """As `intake.Bucket.take`."""
    bucket, rate = words(bucket_address), words(rate_address)
    left = min(rate[1] * MILLION, bucket[0] + (now - bucket[1]) * rate[0])
    bucket[1] = now
    if left < MILLION:
        bucket[0] = left
        return False
    bucket[0] = left - MILLION
    return True


@jit
def number16(data, place):
    return int64(data[place]) << 8 | int64(data[place + 1])


@jit
def number32(data, place):
    return number16(data, place) << 16 | number16(data, place + 2)


@jit
def word(data, place, size):
    """Up to eight bytes as a word, the first lowest."""
    found = uint64(0)
    for at in range(size):
        found |= uint64(data[place + at]) << uint64(8 * at)
    return int64(found)


@jit
def content_of(data, size):
    """As `port_udp.content_of`."""
    if size < 12:
        return 0
    first = data[0]
    if first < 4:
        return STUN
    if 20 <= first < 64:
        return DTLS
    if 128 <= first < 192:
        return RTCP if 64 <= data[1] & 0x7F < 96 else RTP
    return 0


@jit
def name_in(data, size):
    """Place and length of the ufrag in a request, as `intake.name_in`; a length of 0 where there is none."""
    place = 20
    while place + 4 <= size:
        value, length = place + 4, number16(data, place + 2)
        if number16(data, place) == USERNAME:
            end, at = min(value + length, size), value
            while at < end and data[at] != COLON:
                at += 1
            return value, at - value if at < end and at - value <= LONGEST_NAME else 0
        place = value + ((length + 3) & ~3)
    return 0, 0


@jit
def take_from(block, peer, content, rate):
    bucket = block[ADDRESS_BUCKETS] + 8 * BUCKET * (CONTENTS * peer + content)
    return ALLOWED if take(bucket, block[RATES] + 8 * RATE * rate, block[NOW]) else TOO_MANY


@jit
def judge_stun(block, data, size, peer):
    if size < 20 or size > LARGEST_STUN or number16(data, 2) != size - 20 or number32(data, 4) != COOKIE:
        return UNREADABLE
    kind = number16(data, 0)
    if kind == SUCCESS:
        return ALLOWED if number_of(block, CHECKS, word(data, 8, 8), word(data, 16, 4), 0) != 0 else UNKNOWN_CHECK
    if kind != REQUEST or number32(data, size - 8) != FINGERPRINT:
        return UNREADABLE
    place, length = name_in(data, size)
    if length == 0:
        return UNREADABLE
    second = word(data, place + 8, length - 8) if length > 8 else 0
    number = number_of(block, UFRAGS, word(data, place, min(length, 8)), second, length)
    if number == 0:
        return UNKNOWN_CHECK
    if peer != 0:
        return take_from(block, peer, STUN, STUN)
    bucket = block[NAME_BUCKETS] + 8 * BUCKET * number
    return ALLOWED if take(bucket, block[RATES] + 8 * RATE * NAME_RATE, block[NOW]) else TOO_MANY


@jit
def judge(block, data, size, content, peer):
    """`ALLOWED`, or the reason against it. `peer` is the address's number, 0 where it is nobody's."""
    if content == 0:
        return UNREADABLE
    if content == STUN:
        return judge_stun(block, data, size, peer)
    if peer != 0:
        return take_from(block, peer, content, content)
    return take_from(block, 0, RTCP, STRANGER_RATE) if content == RTCP else UNKNOWN_SOURCE


@jit
def whose(block, at):
    name = words(block[NAMES] + 8 * NAME * at)
    if name[0] & 0xFFFF == INET:
        return number_of(block, ADDRESSES, name[0], 0, 0)
    return number_of(block, ADDRESSES, name[0] & 0xFFFFFFFF, name[1], name[2])


@jit
def sift(block, read):
    """Judge a batch; returns how many of it are let in."""
    let_in = 0
    for at in range(read):
        message, data = words(block[MESSAGES] + 8 * MESSAGE * at), octets(block[DATA] + MAX_DATAGRAM * at)
        size = message[M_LENGTH] & 0xFFFFFFFF
        content = content_of(data, size) if message[M_FLAGS] & CUT == 0 else 0
        peer = whose(block, at)
        verdict = judge(block, data, size, content, peer)
        if verdict >= 0:
            block[REFUSED + verdict] += 1
        else:
            found = words(block[FOUND] + 8 * FINDING * let_in)
            found[0], found[1], found[2], found[3] = content, at, size, peer
            let_in += 1
    return let_in


@jit
def read(block):
    for _ in range(BATCHES):
        for at in range(BATCH):
            words(block[MESSAGES] + 8 * MESSAGE * at)[M_NAMELEN] = 8 * NAME
        count = call_recvmmsg(block[RECVMMSG], block[DESCRIPTOR], block[MESSAGES], BATCH, NO_WAIT, 0)
        block[DRAINED] = 1 if count < BATCH else 0
        block[HEARD] += max(count, 0)
        block[LET_IN] = sift(block, count)
        if block[LET_IN] > 0 or count < BATCH:
            return


def operate(address):
    block = words(address)
    if block[OPERATION] == PUT:
        write(block, block[TABLE], block[KEY], block[KEY + 1], block[KEY + 2], block[NUMBER])
    elif block[OPERATION] == DROP:
        block[NUMBER] = drop(block, block[TABLE], block[KEY], block[KEY + 1], block[KEY + 2])
    else:
        read(block)
    return 0


code = compiled(operate)
