"""Whether many viewers of a stream have trouble at the same time: then the cause is ours or the lecturer's."""

from __future__ import annotations

SAME = 1.0  # seconds
FEW = 3  # so many at least: of one or two viewers nothing can be told apart
COUNTED = 0.2  # seconds between counts


class Crowd:
    def __init__(self) -> None:
        self._when: dict[str, float] = {}
        self._common = False
        self._counted = -1.0

    def note(self, peer: str, now: float) -> None:
        """This viewer has trouble."""
        self._when[peer] = now

    def forget(self, peer: str) -> None:
        self._when.pop(peer, None)

    def common(self, viewers: int, now: float) -> bool:
        """Whether more than a third of so many viewers had trouble in the last second."""
        if not 0.0 <= now - self._counted < COUNTED:
            self._counted = now
            self._when = {peer: when for peer, when in self._when.items() if now - when <= SAME}
            self._common = len(self._when) >= FEW and 3 * len(self._when) > viewers
        return self._common
