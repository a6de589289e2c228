"""What streams have to say besides packets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from signaling.session.offer import Codec


@dataclass(slots=True)
class Notices:
    """The relay reads and empties the lists after each input."""

    entered: list[str] = field(default_factory=list)
    """Peers that began to be sent a stream, or whose stream has another source: their reports are due."""
    lacking: list[tuple[str, str, Codec]] = field(default_factory=list)
    """(peer, slot, codec): the offer of the peer does not hold the codec that plays now."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Packets dropped since start, by reason."""
