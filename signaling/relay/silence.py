"""Does what goes out still reach anybody? Told of a lecture as a whole, before each viewer's own stall is certain.

A single report may be lost or late; that those of most viewers are missing at the same time is no accident. Viewers of
the stage do not count: they may sit beside the lecturer.
"""

from __future__ import annotations

from collections.abc import Iterable

from signaling.control import AudienceSilent
from signaling.relay.viewer import Viewer

QUIET = 2.2  # seconds; a browser that is sent pictures reports every 0.5 to 1.5 s
LOOK = 0.25  # seconds
MOST = 0.8  # of the viewers that are sent pictures


class Silence:
    def __init__(self) -> None:
        self._silent: set[str] = set()
        self._look_at = 0.0

    def tick(self, viewers: Iterable[Viewer], now: float) -> list[AudienceSilent]:
        """What changed."""
        if now < self._look_at:
            return []
        self._look_at = now + LOOK
        counts: dict[str, list[int]] = {}
        for viewer in viewers:
            evidence = viewer.evidence
            if viewer.stage or not evidence.seen or evidence.last is None:
                continue
            count = counts.setdefault(viewer.lecture, [0, 0])
            count[now - evidence.last < QUIET] += 1
        told = [self._told(lecture, quiet, well, now) for lecture, (quiet, well) in counts.items()]
        gone = self._silent - counts.keys()
        self._silent -= gone
        return [*(each for each in told if each is not None), *(AudienceSilent(one, now, False, 0) for one in gone)]

    def _told(self, lecture: str, quiet: int, well: int, now: float) -> AudienceSilent | None:
        silent = quiet >= MOST * (quiet + well)
        if silent is (lecture in self._silent):
            return None
        self._silent ^= {lecture}
        return AudienceSilent(lecture, now, silent, well)
