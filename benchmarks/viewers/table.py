"""What the publisher sent and when: a file mapped into the publisher's process and the viewers'.

One int64 array: `HEAD` words of state, then by index modulo `TABLE` (benchmarks/viewers/media.py) the times of sending
(ns of CLOCK_REALTIME) of sound and of each frame's first packet, and each frame's packets (negative: a key frame). A
time is written before its packet is sent.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.viewers.media import AUDIO, KEY_PACKETS, TABLE, VIDEO

(
    WANTED,  # what the publisher shall do: a `Wanted`
    CONNECTED,  # 1: SRTP keys are there
    SOUNDS,  # indices of sound begun
    FRAMES,  # indices of frames begun
    PACKETS,  # packets of picture sent
    ASKED,  # requests for a key frame that came
    RESENT,  # packets sent again
    LATEST,  # ns that the publisher was late at most
    LATE_TIMES,  # how often it was more than 5 ms late
    REFUSED,  # packets that the kernel did not take
    SESSION,  # raised by one: publish anew, for the server has started anew
) = range(11)
HEAD = 16
WAIT, SEND, STOP = range(3)


class Table:
    """Both sides' view; the one who makes it gives `create`."""

    def __init__(self, path: Path, create: bool = False) -> None:
        size = HEAD + 3 * TABLE
        words: npt.NDArray[np.int64] = np.memmap(path, np.int64, "w+" if create else "r+", shape=(size,))
        self.head = words[:HEAD]
        rows = words[HEAD:].reshape(3, TABLE)
        self.sent = rows[:2]
        self.packets = rows[2]

    def begun(self, kind: int) -> int:
        """The index after the last one that was begun."""
        return int(self.head[FRAMES if kind == VIDEO else SOUNDS])

    def expected(self, kind: int, first: int, end: int) -> int:
        """Packets of the indices from `first` to before `end`."""
        if kind == AUDIO:
            return end - first
        places = np.arange(first, end) % TABLE
        return int(np.abs(self.packets[places]).sum())

    def key_frames(self, first: int, end: int) -> list[int]:
        """Indices of key frames within."""
        places = np.arange(first, end)
        return [int(one) for one in places[self.packets[places % TABLE] == -KEY_PACKETS]]
