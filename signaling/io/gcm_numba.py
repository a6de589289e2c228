"""SRTP with AES-GCM in the compiled loop (RFC 7714), by OpenSSL's EVP at addresses (evp_address.py).

Theory of operation. A viewer's record has the address of its cipher's context, which keeps the session key; the session
salt; and of each SSRC the highest index sent so far, from which a packet's rollover count follows. Index, refusals and
bytes are libsrtp's. What it does beside them for each packet costs more than the encryption: here is no list of
streams, and no window of what was sent, for what was sent may be sent again.

The nonce names SSRC and index, so it repeats only with the very same packet (`Fanout`). An SSRC that finds a place in a
record keeps it for as long as the viewer is there, and one that finds none never gets one: no SSRC is ever encrypted
here and by the session too, which would count its wraps apart.
"""

# mypy: ignore-errors
# The types here are numba's, and numba checks them.

from __future__ import annotations

from numba.extending import intrinsic

from signaling.io.calls_numba import INT, WORD, call, int64, jit, numbers, octets, words
from signaling.io.loop_layout import (
    CONTEXT,
    EVP_CONTROL,
    EVP_FINAL,
    EVP_INIT,
    EVP_UPDATE,
    HIGHEST,
    INDEXES,
    LENGTH,
    NONCE,
    SALT,
    SENT,
    SSRCS,
    STREAMS,
    WINDOW,
)

MEDIAN, NUMBERS = 1 << 15, 1 << 16
GET_TAG, TAG = 0x10, 16  # EVP_CTRL_AEAD_GET_TAG; bytes


@intrinsic
def call_init(_, function, context, cipher, engine, key, nonce):
    return call(INT, WORD, WORD, WORD, WORD, WORD)


@intrinsic
def call_update(_, function, context, target, written, source, length):
    return call(INT, WORD, WORD, WORD, WORD, INT)


@intrinsic
def call_final(_, function, context, target, written):
    return call(INT, WORD, WORD, WORD)


@intrinsic
def call_control(_, function, context, command, length, target):
    return call(INT, WORD, INT, INT, WORD)


@jit
def header(at):
    """Bytes of an RTP packet's header, its sources and extension included: more than the packet has where it is cut
    short, behind which is room in the buffer."""
    packet = octets(at)
    head = 12 + 4 * (int64(packet[0]) & 0x0F)
    if packet[0] & 0x10:
        head += 4 + 4 * (int64(packet[head + 2]) << 8 | int64(packet[head + 3]))
    return head


@jit
def place_of(record, ssrc):
    """Which of the record's streams this SSRC is, a new one's from here on; −1 where all are others'."""
    known, highest = numbers(record + 8 * SSRCS), words(record + 8 * HIGHEST)
    for place in range(STREAMS):
        if highest[place] == 0:
            known[place], highest[place] = ssrc, SENT
        if int64(known[place]) & 0xFFFFFFFF == ssrc:
            return place
    return -1


@jit
def index_of(highest, number):
    """The 48 bits (rollover count, number) that a number names after this highest index: the nearest to it (RFC 3711
    §3.3.1); and before half a round nothing has wrapped."""
    if highest <= MEDIAN:
        return number
    index, last = (highest & ~(NUMBERS - 1)) | number, highest & (NUMBERS - 1)
    if last < MEDIAN and number - last > MEDIAN:
        return index - NUMBERS
    if last >= MEDIAN and last - MEDIAN > number:
        return index + NUMBERS
    return index


@jit
def sealed(block, at, length, head, record, place, ssrc):
    """Encrypt a packet of a record's stream in place and append its tag; its length, or 0 where it cannot go."""
    packet, viewer, nonce = octets(at), words(record), octets(block[NONCE])
    highest = viewer[HIGHEST + place] & (INDEXES - 1)
    index = index_of(highest, int64(packet[2]) << 8 | int64(packet[3]))
    if not highest - block[WINDOW] < index < INDEXES:
        return 0
    viewer[HIGHEST + place] = SENT | max(highest, index)
    upper, lower = viewer[SALT] ^ (ssrc << 16 | index >> 32), viewer[SALT + 1] ^ (index & 0xFFFFFFFF)
    for octet in range(8):
        nonce[octet] = (upper >> (56 - 8 * octet)) & 0xFF
    for octet in range(4):
        nonce[8 + octet] = (lower >> (24 - 8 * octet)) & 0xFF
    context, written, end = viewer[CONTEXT], block[LENGTH], at + length
    if call_init(block[EVP_INIT], context, 0, 0, 0, block[NONCE]) != 1:
        return 0
    if call_update(block[EVP_UPDATE], context, 0, written, at, head) != 1:
        return 0
    if call_update(block[EVP_UPDATE], context, at + head, written, at + head, length - head) != 1:
        return 0
    if call_final(block[EVP_FINAL], context, end, written) != 1:
        return 0
    if call_control(block[EVP_CONTROL], context, GET_TAG, TAG, end) != 1:
        return 0
    return length + TAG
