"""The code on a site's screen: whoever scans it stands before the screen, now.

It changes every quarter of a minute and holds for the next one, too, so that who scans at the last moment is not
refused. It is made from a secret of the site, so that nothing has to be stored and every node knows it. A good scan is
exchanged for a *pass*, which leaves time to say who one is and holds for three minutes; what it proves is that somebody
who passed it on was there, which is as much as any picture of a code can.

Times in µs since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

WINDOW = 15_000_000
BEFORE = 1
"""So many codes before the one that is shown are taken."""
PASS = 180_000_000
SECOND = 1_000_000
BYTES = 9
"""Of the HMAC: twelve letters."""


def code_at(secret: bytes, now: int) -> str:
    return _told(secret, f"code/{now // WINDOW}")


def changes_at(now: int) -> int:
    """When the next code is shown."""
    return (now // WINDOW + 1) * WINDOW


def fresh(secret: bytes, code: str, now: int) -> bool:
    """Whether the screen showed that code a moment ago."""
    return any(_same(code, code_at(secret, now - back * WINDOW)) for back in range(BEFORE + 1))


def pass_until(secret: bytes, expires: int) -> str:
    """Cut to seconds."""
    seconds = expires // SECOND
    return f"{seconds}.{_told(secret, f'pass/{seconds}')}"


def holds(secret: bytes, given: str, now: int) -> bool:
    """Whether a pass is one of this site's and not over."""
    seconds, _, _ = given.partition(".")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 16):
        return False
    return now < int(seconds) * SECOND and _same(given, pass_until(secret, int(seconds) * SECOND))


def _told(secret: bytes, what: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret, what.encode(), hashlib.sha256)[:BYTES]).decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
