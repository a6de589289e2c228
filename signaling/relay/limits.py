"""What the relay allows itself and others. Rates are per second."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    viewers: int = 5_000
    publications: int = 64
    publisher_bitrate: int = 2_500_000
    """Told to each publisher as REMB, bits a second."""
    uplink_limit: int = 0
    """What the machine's way out carries, bits a second; 0: no limit is kept."""

    resend_rate: float = 500.0
    """Packets resent to one viewer, each copy counted, and at most half of what it is sent at first; `resend_burst` at
    once."""
    resend_burst: float = 400.0
    resend_rate_all: float = 20_000.0
    """The same to all viewers together, so that the relay's time stays its own."""
    resend_burst_all: float = 20_000.0
    key_frame_rate: float = 0.5
    """Key frames that one viewer may ask for; `key_frame_burst` at once."""
    key_frame_burst: float = 4.0

    group_seconds: float = 10.0
    """The longest group of pictures that is kept for those who join, with `group_bytes`."""
    group_bytes: int = 8_000_000
    replay_rate: float = 1_000.0
    """Packets of a kept group to one joining viewer, and to all of a slot."""
    replay_rate_all: float = 20_000.0
