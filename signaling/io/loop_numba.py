"""The loop of the compiled packet path, compiled by numba.

Theory of operation. `loop` takes the address of the block (loop_layout.py). For each viewer it copies the prepared
packets into one buffer, makes them the viewer's own, encrypts them in place (AES-GCM: gcm_numba.py; else libsrtp's
`srtp_protect`), and names them by a message; one `sendmmsg` sends the messages of a batch. Packets that are equal in
size, and one shorter tail after them, are one message with UDP_SEGMENT (generic segmentation offload: the kernel walks
its stack once and cuts the bytes into datagrams). A packet that a viewer holds goes behind those, so that sound can be
the shorter tail of a frame: a message costs the kernel more than what is in it.

What is compiled refers to nothing outside itself: C functions are called by addresses that stand in the block, memory
is reached by addresses, nothing is allocated and nothing raised. So its code can be kept, and mapped by any later
process on the same kind of machine. Only the compiler's process (code_llvmlite.py) imports this module.

Integers are 64-bit and signed throughout: numba makes a float of signed and unsigned.
"""

# mypy: ignore-errors
# The types here are numba's, and numba checks them.

from __future__ import annotations

import errno
import socket

from numba.extending import intrinsic

from signaling.io.calls_numba import INT, WORD, call, compiled, int64, jit, numbers, octets, words
from signaling.io.gcm_numba import header, place_of, sealed
from signaling.io.loop_layout import (
    AUDIENCE,
    CAPACITY,
    CIPHER,
    CONTEXT,
    CONTROL,
    CONTROL_SPACE,
    CONTROLS,
    COUNT,
    ERRNO,
    FD,
    FIRST,
    FLAGS,
    FULL,
    HELD,
    HELD_LAST,
    HELD_LENGTHS,
    HELD_MOST,
    HELD_PLAIN,
    HELD_SPACE,
    HOLD_OFFSETS,
    HOLD_VIEWERS,
    HOLDERS,
    HOLDS,
    LENGTH,
    LENGTHS,
    LIST,
    LISTS,
    M_CONTROLLEN,
    MADE,
    MARKED,
    MARKS,
    MEMCPY,
    MESSAGE,
    MESSAGES,
    MOST,
    NAME,
    NAME_WORDS,
    NAMES,
    NOTE,
    NOTES,
    OFFLOAD,
    OFFSETS,
    PACKETS,
    PLACE,
    PLAIN,
    PROTECT,
    PROTECT_RTCP,
    RECORD,
    REFUSED,
    RTCP,
    RUN,
    SENDMMSG,
    SESSION,
    SPACE,
    TABLE,
    TAKEN,
    VIEWERS,
)
from signaling.proof import PERIODS

AGAIN, NO_BUFFERS, INTERRUPTED = errno.EAGAIN, errno.ENOBUFS, errno.EINTR
BAD_IO, BAD_ARGUMENT, TOO_LONG = errno.EIO, errno.EINVAL, errno.EMSGSIZE
NO_WAIT = int(socket.MSG_DONTWAIT)


@intrinsic
def call_protect(_, function, session, packet, length):
    return call(INT, WORD, WORD, WORD)


@intrinsic
def call_sendmmsg(_, function, fd, messages, count, flags):
    return call(INT, INT, WORD, INT, INT)


@intrinsic
def call_memcpy(_, function, target, source, length):
    return call(WORD, WORD, WORD, WORD)


@intrinsic
def call_errno(_, function):
    return call(WORD)


@jit
def own(at, record, shift):
    """Make the prepared packet the viewer's own; False where its period has no mark."""
    packet, viewer = octets(at), words(record)
    period = int64(packet[12]) << 24 | int64(packet[13]) << 16 | int64(packet[14]) << 8 | int64(packet[15])
    column = period % PERIODS
    known = viewer[MARKS + column]
    if viewer[FLAGS] & MARKED << column == 0 or known >> 32 & 0xFFFFFFFF != period:
        return False
    number = (int64(packet[2]) << 8 | int64(packet[3])) + shift
    packet[2], packet[3] = number >> 8 & 0xFF, number & 0xFF
    packet[12], packet[13] = known >> 24 & 0xFF, known >> 16 & 0xFF
    packet[14], packet[15] = known >> 8 & 0xFF, known & 0xFF
    return True


@jit
def begin(block, made, viewer, record, at, length):
    """A new message of one datagram."""
    name, known = words(block[NAMES] + 8 * NAME_WORDS * made), words(record)
    for place in range(NAME_WORDS):
        name[place] = known[NAME + place]
    entry, note = words(block[LISTS] + 8 * LIST * made), words(block[NOTES] + 8 * NOTE * made)
    entry[0], entry[1] = at, length
    note[0], note[1] = viewer, 1
    words(block[CONTROLS] + 8 * CONTROL * made)[2] = length
    words(block[MESSAGES] + 8 * MESSAGE * made)[M_CONTROLLEN] = 0


@jit
def lengthen(block, message, length):
    """One more segment."""
    words(block[LISTS] + 8 * LIST * message)[1] += length
    words(block[NOTES] + 8 * NOTE * message)[1] += 1
    words(block[MESSAGES] + 8 * MESSAGE * message)[M_CONTROLLEN] = CONTROL_SPACE


@jit
def by_session(block, protect, at, length, record):
    """Encrypt in place by one of libsrtp's functions; the length, or 0 where it refuses."""
    scratch = words(block[LENGTH])
    scratch[0] = length
    return scratch[0] if call_protect(protect, words(record)[SESSION], at, block[LENGTH]) == 0 else 0


@jit
def protected(block, at, source, length, record, shift):
    """Copy a prepared packet to `at`, make it the viewer's own and encrypt it; its length, or 0 where it cannot go."""
    call_memcpy(block[MEMCPY], at, source, length)
    if block[RTCP] != 0:
        return by_session(block, block[PROTECT_RTCP], at, length, record)
    if not own(at, record, shift):
        return 0
    if words(record)[CONTEXT] != 0:
        head, packet = header(at), octets(at)
        if head > length:
            return 0
        ssrc = int64(packet[8]) << 24 | int64(packet[9]) << 16 | int64(packet[10]) << 8 | int64(packet[11])
        place = place_of(record, ssrc)
        if place >= 0:
            return sealed(block, at, length, head, record, place, ssrc)
    return by_session(block, block[PROTECT], at, length, record)


@jit
def lay(block, at, length, made, viewer, record, run, segment):
    """Name an encrypted packet by the open message, or by a new one; returns the number of messages, the bytes of the
    last, and the size of its segments (0: the next packet begins another)."""
    if 0 < length <= segment and run + length <= RUN:
        lengthen(block, made - 1, length)
        return made, run + length, segment if length == segment else 0  # only the last segment may be shorter
    begin(block, made, viewer, record, at, length)
    return made + 1, length, length if words(record)[FLAGS] & OFFLOAD else 0


@jit
def encrypt(block, at, made, viewer, record, shift):
    """All packets for one viewer, and what it holds, from `at` on; returns the place behind them and the number of
    messages."""
    lengths, source, run, segment = words(block[LENGTHS]), block[PLAIN], 0, 0
    for number in range(block[COUNT]):
        length = protected(block, at, source, lengths[number], record, shift)
        source += lengths[number]
        if length > 0:
            made, run, segment = lay(block, at, length, made, viewer, record, run, segment)
            at += length
    holds = words(record)[HOLDS]
    if holds != 0 and block[HELD_LAST] != 0:
        words(record)[HOLDS] = 0
        slot, length = (holds >> 16) % block[HELD_MOST], 0
        if holds >> 16 > block[HELD] - block[HELD_MOST] and words(block[HELD_LENGTHS])[slot] > 0:
            source, length = block[HELD_PLAIN] + slot * HELD_SPACE, words(block[HELD_LENGTHS])[slot]
            length = protected(block, at, source, length, record, holds & 0xFFFF)
        if length > 0:
            made, run, segment = lay(block, at, length, made, viewer, record, run, segment)
            at += length
    return at, made


@jit
def hold(block):
    """Let the packet that is held wait at each of its viewers."""
    viewers, offsets = numbers(block[HOLD_VIEWERS]), numbers(block[HOLD_OFFSETS])
    for place in range(block[HOLDERS]):
        viewer = int64(viewers[place])
        if 0 <= viewer < block[CAPACITY]:
            record = words(block[TABLE] + 8 * RECORD * viewer)
            record[HOLDS] = block[HELD] << 16 | int64(offsets[place]) & 0xFFFF
    block[HOLDERS] = 0


@jit
def fill(block):
    """Encrypt and lay out the next batch."""
    viewers, offsets = numbers(block[VIEWERS]), numbers(block[OFFSETS])
    place, made, at = block[PLACE], 0, block[CIPHER]
    end = at + block[SPACE]
    while place < block[AUDIENCE] and at < end and made < MOST - PACKETS:
        viewer, shift = int64(viewers[place]), int64(offsets[place])
        place += 1
        if 0 <= viewer < block[CAPACITY]:
            record = block[TABLE] + 8 * RECORD * viewer
            if words(record)[SESSION] != 0:
                at, made = encrypt(block, at, made, viewer, record, shift)
    block[PLACE], block[MADE], block[FIRST] = place, made, 0


@jit
def one_by_one(block, message):
    """Send a refused message's segments without the offload, by the spare message behind the last."""
    refused, spare = words(block[LISTS] + 8 * LIST * message), words(block[LISTS] + 8 * LIST * MOST)
    name, spare_name = words(block[NAMES] + 8 * NAME_WORDS * message), words(block[NAMES] + 8 * NAME_WORDS * MOST)
    for place in range(NAME_WORDS):
        spare_name[place] = name[place]
    at, left, size = refused[0], refused[1], words(block[CONTROLS] + 8 * CONTROL * message)[2]
    while left > 0:
        spare[0], spare[1] = at, min(size, left)
        if call_sendmmsg(block[SENDMMSG], block[FD], block[MESSAGES] + 8 * MESSAGE * MOST, 1, NO_WAIT) == 1:
            block[TAKEN] += 1
        at += size
        left -= size


@jit
def turn_off(block, message):
    """The route of this message's viewer does without the offload from here on."""
    viewer = words(block[NOTES] + 8 * NOTE * message)[0]
    if viewer < block[CAPACITY]:
        words(block[TABLE] + 8 * RECORD * viewer)[FLAGS] &= ~OFFLOAD
    block[REFUSED] += 1


@jit
def flush(block):
    """Send the batch's messages; stops at the first unsent one where the kernel's buffer is full. Any other error is
    that of one destination, and a loss like those of the network."""
    notes = words(block[NOTES])
    while block[FIRST] < block[MADE]:
        first = block[FIRST]
        start, count = block[MESSAGES] + 8 * MESSAGE * first, block[MADE] - first
        done = call_sendmmsg(block[SENDMMSG], block[FD], start, count, NO_WAIT)
        if done > 0:
            for message in range(first, first + done):
                block[TAKEN] += notes[NOTE * message + 1]
            block[FIRST] = first + done
            continue
        error = numbers(call_errno(block[ERRNO]))[0]
        if error == INTERRUPTED:
            continue
        if error in (AGAIN, NO_BUFFERS):
            block[FULL] += 1
            return
        if words(start)[M_CONTROLLEN] != 0 and error in (BAD_IO, BAD_ARGUMENT, TOO_LONG):
            turn_off(block, first)
            one_by_one(block, first)
        block[FIRST] = first + 1


def loop(address):
    """Note who holds a packet, where the block names any. Else finish the batch that it says is unsent, then go on;
    stops where the kernel's buffer is full."""
    block = words(address)
    if block[HOLDERS] != 0:
        hold(block)
        return 0
    while True:
        flush(block)
        if block[FIRST] < block[MADE] or block[PLACE] >= block[AUDIENCE]:
            return 0
        fill(block)


code = compiled(loop)
