"""What members see large. It follows the stage by itself; what the host chooses holds until the stage's next change."""

from __future__ import annotations

from classroom.room.messages_stage import Layout


class Arrangement:
    """`chosen`: by somebody, not by the stage's own change."""

    def __init__(self) -> None:
        self.layout = Layout.LECTURER
        self.chosen = False
        self._on: str | None = None
        self._screen = False

    def restore(self, layout: Layout, chosen: bool) -> None:
        self.layout, self.chosen = layout, chosen

    def restored(self, on: str | None) -> None:
        """Everything is taken back: who is on now came before the choice that was taken back last."""
        self._on = on

    def choose(self, layout: Layout) -> bool:
        """Whether that changes it."""
        changed = layout is not self.layout
        self.layout, self.chosen = layout, True
        return changed

    def follow(self, on: str | None, screen: bool, resuming: bool = False) -> bool:
        """Who is on (or lost) and whether a screen is shown now; whether that changes the layout. While `resuming`,
        after a restart of the service, a screen that comes is the one that was there before."""
        came, ended = screen and not self._screen, self._screen and not screen
        stirred = on != self._on
        self._on, self._screen = on, screen
        layout = self.layout
        if stirred:
            layout = Layout.SIDE_BY_SIDE if on is not None else Layout.SCREEN if screen else Layout.LECTURER
        elif came and layout is Layout.LECTURER and not (resuming and self.chosen):
            layout = Layout.SCREEN
        elif ended and layout is Layout.SCREEN:
            layout = Layout.LECTURER if on is None else Layout.SIDE_BY_SIDE
        changed = layout is not self.layout
        if stirred or changed:
            self.chosen = False
        self.layout = layout
        return changed
