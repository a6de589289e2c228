"""What is known of each viewer's packets, in arrays that compiled code writes and Python reads.

Theory of operation. A viewer has `LINES` lines, each one SSRC that it receives. Of each line the last `WINDOW` extended
numbers are remembered as bits (set: received). A number that is passed over is *missing*; it is *recovered* when it
still comes, and *lost* when the window moves beyond it. Numbers wrap at 65,536: the extended number is the one nearest
to the highest so far (RFC 3550 §6.4.1).

What the publisher sent is known by index (benchmarks/viewers/media.py): a line's `ORIGIN` is the RTP timestamp of index
0, learned from viewers that decrypt. With it each packet's delay, and whether it belongs to the measured part, follow
from the RTP header alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.viewers.compiled import compiled
from benchmarks.viewers.media import STEPS, TABLE

LINES = 8
WINDOW = 2_048
WORDS = WINDOW // 64

# columns of `Counts.lines`
(
    SSRC,  # -1: the line is free
    KIND,  # 0 audio, 1 video
    HIGHEST,  # extended number; the first packet's is 65,536 and its number
    BASE,
    RECEIVED,  # different numbers
    DUPLICATES,  # numbers that were there already, or so old that nobody knows
    RECOVERED,  # of RECEIVED: came after a higher number
    MISSING,  # of the window, now
    LOST,  # left the window without having come
    LATE,  # of RECEIVED: more than a second after they were sent
    BYTES,
    FIRST_AT,  # ns of the kernel's clock (CLOCK_REALTIME), like the next
    LAST_AT,
    GAP,  # the longest pause between two packets, ns
    ORIGIN,  # RTP timestamp of index 0; -1: not known yet
    TRANSIT,  # for the jitter (RFC 3550 §A.8), in timestamp units
    JITTER,  # sixteen times the jitter
    MEASURED,  # of RECEIVED: belong to the measured part
) = range(18)
COLUMNS = 18

# columns of `Counts.viewers`
(
    AUDIO_TYPE,  # payload type of audio
    GROUP,  # row of `delays`
    LOSS,  # of 2**32 packets so many are thrown away before they are counted
    RANDOM,  # state of that drawing
    THROWN,
    DROPPED,  # SO_RXQ_OVFL: by the kernel, because this program did not read in time
    STRANGE,  # media beyond LINES
    DECRYPTS,  # whether media goes to Python too
) = range(8)

GROUPS = 4
BUCKET = 100_000  # ns
BUCKETS = 30_000
LATE_NS = 1_000_000_000
RATES = np.array([48_000, 90_000])
MOST_GAPS = 65_536


class Counts(NamedTuple):
    """All arrays, so that one argument carries them into compiled code."""

    lines: npt.NDArray[np.int64]  # (viewers, LINES, COLUMNS)
    bits: npt.NDArray[np.int64]  # (viewers, LINES, WORDS)
    viewers: npt.NDArray[np.int64]  # (viewers, 8)
    delays: npt.NDArray[np.int64]  # (GROUPS, 2 kinds, BUCKETS of 0.1 ms): of every packet
    last: npt.NDArray[np.int64]  # (2 kinds, TABLE): when the last viewer had it (a frame: its end), unless recovered
    sent: npt.NDArray[np.int64]  # (2 kinds, TABLE): when it was sent (a frame: begun); shared with the publisher
    measured: npt.NDArray[np.int64]  # (2 kinds, 2): first index of the measured part, and the one after it
    gaps: npt.NDArray[np.int64]  # (MOST_GAPS, 4): viewer, line, first missing, last missing
    found: npt.NDArray[np.int64]  # number of gaps that wait for Python; of those that found no room


def make_counts(capacity: int, sent: npt.NDArray[np.int64]) -> Counts:
    lines = np.zeros((capacity, LINES, COLUMNS), np.int64)
    lines[:, :, (SSRC, ORIGIN)] = -1
    return Counts(
        lines=lines,
        bits=np.zeros((capacity, LINES, WORDS), np.int64),
        viewers=np.zeros((capacity, 8), np.int64),
        delays=np.zeros((GROUPS, 2, BUCKETS), np.int64),
        last=np.zeros((2, TABLE), np.int64),
        sent=sent,
        measured=np.full((2, 2), np.iinfo(np.int64).max, np.int64),
        gaps=np.zeros((MOST_GAPS, 4), np.int64),
        found=np.zeros(2, np.int64),
    )


def clear(counts: Counts, viewer: int) -> None:
    """Make a place new for another viewer."""
    counts.lines[viewer] = 0
    counts.lines[viewer][:, (SSRC, ORIGIN)] = -1
    counts.bits[viewer] = 0
    counts.viewers[viewer] = 0


def is_missing(counts: Counts, viewer: int, line: int, number: int) -> bool:
    """Whether an extended number within the window has not come."""
    highest, base = counts.lines[viewer, line, HIGHEST], counts.lines[viewer, line, BASE]
    if number < base or number > highest or number <= highest - WINDOW:
        return False
    place = number % WINDOW
    return not int(counts.bits[viewer, line, place >> 6]) >> (place & 63) & 1


_STEP_AUDIO, _STEP_VIDEO = STEPS


@compiled
def line_of(lines, ssrc, kind):  # type: ignore[no-untyped-def]
    """The line of an SSRC among one viewer's, a new one where there is room, else -1."""
    for line in range(LINES):
        known = lines[line, SSRC]
        if known == ssrc:
            return line
        if known == -1:
            lines[line, SSRC], lines[line, KIND], lines[line, HIGHEST] = ssrc, kind, -1
            return line
    return -1


@compiled
def note_number(row, bits, number):  # type: ignore[no-untyped-def]
    """Enter a 16-bit number. Returns (how far the highest moved; 0: recovered; -1: a duplicate)."""
    highest = row[HIGHEST]
    if highest < 0:
        row[HIGHEST] = row[BASE] = 65_536 + number
        place = (65_536 + number) % WINDOW
        bits[place >> 6] |= np.int64(1) << (place & 63)
        row[RECEIVED] += 1
        return 1
    step = ((number - highest + 32_768) & 0xFFFF) - 32_768
    extended = highest + step
    place = extended % WINDOW
    word, bit = place >> 6, np.int64(1) << (place & 63)
    if step <= 0:
        if extended < row[BASE] or step <= -WINDOW or bits[word] & bit:
            row[DUPLICATES] += 1
            return -1
        bits[word] |= bit
        row[MISSING] -= 1
        row[RECOVERED] += 1
        row[RECEIVED] += 1
        return 0
    for passed in range(highest + 1, extended + 1):
        slot = passed % WINDOW
        mask = np.int64(1) << (slot & 63)
        if passed - WINDOW >= row[BASE] and not bits[slot >> 6] & mask:
            row[LOST] += 1
            row[MISSING] -= 1
        bits[slot >> 6] &= ~mask
    bits[word] |= bit
    row[MISSING] += step - 1
    row[HIGHEST] = extended
    row[RECEIVED] += 1
    return step


@compiled
def note_time(row, timestamp, arrival):  # type: ignore[no-untyped-def]
    if row[LAST_AT]:
        pause = arrival - row[LAST_AT]
        row[GAP] = max(row[GAP], pause)
    else:
        row[FIRST_AT] = arrival
    row[LAST_AT] = arrival
    rate = RATES[row[KIND]]
    transit = (arrival // 1_000 * rate // 1_000_000 - timestamp) & 0xFFFFFFFF
    moved = abs(((transit - row[TRANSIT] + 0x80000000) & 0xFFFFFFFF) - 0x80000000)
    if row[TRANSIT] and moved < rate:
        row[JITTER] += moved - ((row[JITTER] + 8) >> 4)
    row[TRANSIT] = transit


@compiled
def note_delay(counts, row, group, timestamp, marker, arrival, moved):  # type: ignore[no-untyped-def]
    """By the publisher's own times; `moved` as from `note_number`."""
    kind = row[KIND]
    step = _STEP_AUDIO if kind == 0 else _STEP_VIDEO
    index = ((timestamp - row[ORIGIN]) & 0xFFFFFFFF) // step
    if counts.measured[kind, 0] <= index < counts.measured[kind, 1]:
        row[MEASURED] += 1
    place = index % TABLE
    sent = counts.sent[kind, place]
    if sent == 0:
        return
    delay = arrival - sent
    if delay > LATE_NS:
        row[LATE] += 1
    counts.delays[group, kind, min(max(delay // BUCKET, 0), BUCKETS - 1)] += 1
    if moved > 0 and (kind == 0 or marker):
        counts.last[kind, place] = max(counts.last[kind, place], arrival)


@compiled
def note_media(counts, viewer, second_byte, number, timestamp, ssrc, size, arrival):  # type: ignore[no-untyped-def]
    """One SRTP packet of a viewer, by its header; `size` in bytes with header and tag, `arrival` in ns."""
    about = counts.viewers[viewer]
    kind = 0 if second_byte & 0x7F == about[AUDIO_TYPE] else 1
    line = line_of(counts.lines[viewer], ssrc, kind)
    if line < 0:
        about[STRANGE] += 1
        return
    row = counts.lines[viewer, line]
    moved = note_number(row, counts.bits[viewer, line], number)
    if moved < 0:
        return
    row[BYTES] += size
    note_time(row, timestamp, arrival)
    if row[ORIGIN] >= 0:
        note_delay(counts, row, about[GROUP], timestamp, second_byte >> 7, arrival, moved)
    if moved > 1:
        place = counts.found[0]
        if place < MOST_GAPS:
            gap = counts.gaps[place]
            gap[0], gap[1], gap[2], gap[3] = viewer, line, row[HIGHEST] - moved + 1, row[HIGHEST] - 1
            counts.found[0] += 1
        else:
            counts.found[1] += 1
