"""Does what goes out still reach anybody? Told of a lecture as a whole, before each viewer's own stall is certain.

A single report may be lost or late; that those of most viewers are missing at the same time is no accident. Viewers of
the stage do not count: they may sit beside the lecturer.
"""

from __future__ import annotations

from collections.abc import Mapping

from signaling.control import AudienceSilent
from signaling.relay.viewer import Viewer

QUIET = 2.2  # seconds; a browser that is sent pictures reports every 0.5 to 1.5 s
LOOK = 0.25  # seconds
MOST = 4  # viewers that report nothing for each that does, of those that are sent pictures


class Silence:
    def __init__(self) -> None:
        self._silent: set[str] = set()
        self._look_at = 0.0

    def tick(self, audiences: Mapping[str, Mapping[str, Viewer]], now: float) -> list[AudienceSilent]:
        """What changed; the viewers by lecture and peer."""
        if now < self._look_at:
            return []
        self._look_at = now + LOOK
        told = [self._look(lecture, viewers, now) for lecture, viewers in audiences.items()]
        gone = self._silent - audiences.keys()
        self._silent -= gone
        return [*(each for each in told if each is not None), *(AudienceSilent(one, now, False, 0) for one in gone)]

    def _look(self, lecture: str, viewers: Mapping[str, Viewer], now: float) -> AudienceSilent | None:
        """Counts no further than it must: while all is well a fifth of them."""
        silent = lecture in self._silent
        quiet = well = 0
        for viewer in viewers.values():
            evidence = viewer.evidence
            if viewer.stage or not evidence.seen or evidence.last is None:
                continue
            if now - evidence.last >= QUIET:
                quiet += 1
            else:
                well += 1
                if not silent and (MOST + 1) * well > len(viewers):
                    return None
        return self._told(lecture, quiet, well, now)

    def _told(self, lecture: str, quiet: int, well: int, now: float) -> AudienceSilent | None:
        silent = quiet > 0 and quiet >= MOST * well
        if silent is (lecture in self._silent):
            return None
        self._silent ^= {lecture}
        return AudienceSilent(lecture, now, silent, well)
