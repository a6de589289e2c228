"""How our pages come back, by their own constants: read from web/src/media/watchdog.ts, so that they cannot differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "web/src/media/watchdog.ts"
LOOK_EVERY = 0.5  # seconds: LOOK_EVERY of web/src/media/player.ts


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `stalled`: without progress until a page acts by itself."""

    stalled: float
    first: float
    longest: float
    per_member: float
    widest: float

    def spread(self, members: int) -> float:
        return min(members * self.per_member, self.widest)

    def retry(self, tries: int, members: int, random: float) -> float:
        """As `retryDelay`."""
        if tries == 0:
            return self.spread(members) * random
        backoff = min(self.first * 2.0 ** (tries - 1), self.longest)
        return backoff * (0.5 + random / 2) + self.spread(members) * random * 0.5

    def restart(self, members: int, random: float) -> float:
        """As `restartDelay`: after a 503 that says the relay restarts."""
        return 0.25 + 0.25 * random + self.spread(members) * random


@cache
def patience() -> Patience:
    return read(SOURCE.read_text())


def read(source: str) -> Patience:
    """Raises `ValueError` where a constant is not there."""

    def number(name: str, inside: str) -> float:
        found = re.search(rf"\b{name}: ([\d_]+)", inside)
        if found is None:
            raise ValueError(f"no {name} in watchdog.ts")
        return int(found.group(1).replace("_", "")) / 1_000

    limits, retry = (
        re.search(r"LIMITS = \{(.*?)\}", source, re.DOTALL),
        re.search(r"RETRY = \{(.*?)\}", source, re.DOTALL),
    )
    if limits is None or retry is None:
        raise ValueError("watchdog.ts has no LIMITS or RETRY")
    return Patience(
        stalled=number("stalled", limits.group(1)),
        first=number("first", retry.group(1)),
        longest=number("longest", retry.group(1)),
        per_member=number("perMember", retry.group(1)),
        widest=number("widest", retry.group(1)),
    )
