"""The loop of the compiled packet path, compiled by numba.

Theory of operation. `loop` takes the address of the block (loop_layout.py). For each viewer it copies the prepared
packets into one buffer, makes them the viewer's own, encrypts them in place by libsrtp's `srtp_protect`, and names
them by a message; one `sendmmsg` sends the messages of a batch. Packets that are equal in size, and one shorter tail
after them, are one message with UDP_SEGMENT (generic segmentation offload: the kernel walks its stack once and cuts
the bytes into datagrams).

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
from signaling.io.loop_layout import (
    AUDIENCE,
    CAPACITY,
    CIPHER,
    CONTROL,
    CONTROL_SPACE,
    CONTROLS,
    COUNT,
    ERRNO,
    FD,
    FIRST,
    FLAGS,
    FULL,
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
    RECORD,
    REFUSED,
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
def encrypt(block, at, made, viewer, record, shift):
    """All packets for one viewer, from `at` on; returns the place behind them and the number of messages."""
    lengths, scratch = words(block[LENGTHS]), words(block[LENGTH])
    session, offload = words(record)[SESSION], words(record)[FLAGS] & OFFLOAD
    source, segment, run = block[PLAIN], 0, 0  # the open run's segment size; 0: the next packet begins a message
    for number in range(block[COUNT]):
        length = lengths[number]
        call_memcpy(block[MEMCPY], at, source, length)
        source += length
        if not own(at, record, shift):
            continue
        scratch[0] = length
        if call_protect(block[PROTECT], session, at, block[LENGTH]) != 0:
            continue
        length = scratch[0]
        if 0 < length <= segment and run + length <= RUN:
            lengthen(block, made - 1, length)
            run += length
            if length < segment:
                segment = 0  # only the last segment may be shorter
        else:
            begin(block, made, viewer, record, at, length)
            made += 1
            run = length
            segment = length if offload != 0 else 0
        at += length
    return at, made


@jit
def fill(block):
    """Encrypt and lay out the next batch."""
    viewers, offsets = numbers(block[VIEWERS]), numbers(block[OFFSETS])
    place, made, at = block[PLACE], 0, block[CIPHER]
    end = at + block[SPACE]
    while place < block[AUDIENCE] and at < end and made <= MOST - PACKETS:
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
    """Finish the batch that the block says is unsent, then go on; stops where the kernel's buffer is full."""
    block = words(address)
    while True:
        flush(block)
        if block[FIRST] < block[MADE] or block[PLACE] >= block[AUDIENCE]:
            return 0
        fill(block)


code = compiled(loop)
