"""A lecture's public code: six digits to be read aloud or written on a board.

It is made from the service's key and the lecture's id, so that nothing has to be stored and every node knows it. Two
lectures may share one: whoever comes is found by name and number in each of them.
"""

from __future__ import annotations

import hashlib
import hmac

DIGITS = 6


def code_of(secret: bytes, lecture: str) -> str:
    digest = hmac.digest(secret, f"code/{lecture}".encode(), hashlib.sha256)
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"
