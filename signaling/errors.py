"""Errors of signaling and relay; each says whose fault it was."""

from __future__ import annotations

import enum


class SignalingError(Exception):
    """Root of every error that this package raises on purpose."""


class ProtocolError(SignalingError):
    """The other side sent what cannot be parsed (STUN, RTP, RTCP, SDP): theirs to mend.

    Every parser of this package raises this for bad input, and nothing else.
    """


class Refusal(enum.StrEnum):
    """Why a session is not opened. The value is the problem's `type` on the wire."""

    MALFORMED = "malformed-sdp"
    NO_TICKET = "no-ticket"
    BAD_TICKET = "bad-ticket"
    EXPIRED = "ticket-expired"
    REVOKED = "ticket-revoked"
    BARRED = "barred"
    ROLE = "role-may-not"
    NO_LECTURE = "no-such-lecture"
    LECTURE_OVER = "lecture-over"
    NO_SESSION = "no-such-session"
    NOT_SDP = "not-sdp"
    TOO_LARGE = "too-large"
    NO_CODEC = "no-common-codec"
    TOO_MANY_TRIES = "too-many-tries"
    TOO_MANY_DEVICES = "too-many-devices"
    CROWDED = "too-many-at-once"
    FULL = "lecture-full"
    ELSEWHERE = "lecture-elsewhere"
    RELAY_DOWN = "relay-restarting"


class Refused(SignalingError):
    """A session is refused; handlers turn `reason` into a status and a sentence.

    `retry_after` (seconds) is set where trying again later makes sense.
    """

    def __init__(self, reason: Refusal, detail: str = "", retry_after: int | None = None) -> None:
        super().__init__(reason.value + (f": {detail}" if detail else ""))
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
