"""Words of the ledger for people."""

from __future__ import annotations

import pytest

from attendance.words import failure, meaning
from signaling.control import Closing

REASONS = ("stalled", "relay-down", "connection-lost", "too-slow", "restarting", "silent", "closed", "evidence-changed")


@pytest.mark.parametrize("reason", [*REASONS, *(each.value for each in Closing)])
def test_why_something_ended_is_said_in_both_languages(reason: str) -> None:
    assert meaning(reason, "zh") != reason
    assert meaning(reason, "en") != reason


@pytest.mark.parametrize("cause", ["no-udp", "ticket-expired", "code-digits", "too-many-devices"])
def test_a_failed_attempt_has_words_in_both_languages(cause: str) -> None:
    assert failure(cause, "zh") != cause != failure(cause, "en") != failure(cause, "zh")


def test_a_cause_of_a_later_version_stays_as_it_is() -> None:
    assert failure("not-yet-known", "zh") == "not-yet-known"
