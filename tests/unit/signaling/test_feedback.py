from __future__ import annotations

import pytest

from signaling.relay.feedback import DELAYS, MOST_MISSING, KeyFrameRequests, Reception


def received(*numbers: int) -> Reception:
    reception = Reception(1, 90_000)
    for number in numbers:
        reception.receive(number, 0, 0.0)
    return reception


def test_numbers_are_extended_over_a_wrap() -> None:
    reception = received(65534)
    assert reception.receive(65535, 0, 0.0) == 65536 + 65535
    assert reception.receive(1, 0, 0.0) == 2 * 65536 + 1
    assert reception.receive(0, 0, 0.0) == 2 * 65536


def test_duplicates_and_the_too_late_are_refused() -> None:
    reception = received(10, 11)
    assert reception.receive(11, 0, 0.0) is None
    assert reception.receive(9, 0, 0.0) is None  # before the first
    for number in range(12, 1012):
        reception.receive(number, 0, 0.0)
    reception.receive(1013, 0, 0.0)
    for number in range(1014, 2100):
        reception.receive(number, 0, 0.0)
    assert reception.receive(1012, 0, 0.0) is None


def test_a_jump_must_be_confirmed() -> None:
    reception = received(10)
    assert reception.receive(30_000, 0, 0.0) is None
    assert reception.receive(11, 0, 0.0) == 65536 + 11
    assert reception.receive(30_000, 0, 0.0) is None
    extended = reception.receive(30_001, 0, 0.0)
    assert extended is not None
    assert extended & 0xFFFF == 30_001
    assert extended > 65536 + 11
    assert reception.restarts == 1
    assert reception.nacks(0.0) == []


def test_what_is_missing_is_asked_for_at_once_again_and_then_given_up() -> None:
    reception = received(65534)
    reception.receive(2, 0, 0.0)
    assert reception.nacks(0.0) == [65535, 0, 1]
    assert reception.nacks(0.0) == []
    reception.receive(0, 0, 0.0)
    now, asked = 0.0, 0
    for _ in range(1000):
        now += 0.01
        asked += len(reception.nacks(now))
    assert asked == 2 * (len(DELAYS) - 1)
    assert reception.given_up == 2


def test_too_much_missing_is_given_up_at_once() -> None:
    reception = received(1)
    reception.receive(MOST_MISSING + 3, 0, 0.0)
    assert reception.nacks(0.0) == []
    assert reception.given_up == MOST_MISSING + 1


def test_reports() -> None:
    reception = received(100, 101, 103, 104)
    reception.reported(0x0123_4567_89AB_CDEF, 1.0)
    block = reception.block(1.5)
    assert block is not None
    assert (block.fraction_lost, block.lost, block.highest) == (256 // 5, 1, 65536 + 104)
    assert (block.lsr, block.dlsr) == (0x4567_89AB, 32768)
    reception.receive(105, 0, 2.0)
    block = reception.block(2.0)
    assert block is not None
    assert block.fraction_lost == 0
    assert block.lost == 1
    assert Reception(1, 90_000).block(0.0) is None


def test_jitter_grows_with_uneven_arrivals() -> None:
    even, uneven = Reception(1, 90_000), Reception(1, 90_000)
    for number in range(200):
        even.receive(number, number * 3000, number / 30)
        uneven.receive(number, number * 3000, number / 30 + (number % 2) * 0.01)
    first, second = even.block(0.0), uneven.block(0.0)
    assert first is not None
    assert second is not None
    assert first.jitter == 0
    assert second.jitter == pytest.approx(900, rel=0.05)


def test_requests_are_merged() -> None:
    requests = KeyFrameRequests()
    assert not requests.due(0.0)
    requests.want()
    assert requests.due(0.0)
    requests.want()
    assert not requests.due(0.4)
    assert requests.due(0.5)


def test_a_key_frame_ends_the_request() -> None:
    requests = KeyFrameRequests()
    requests.want()
    requests.due(0.0)
    requests.came(0.1)
    assert not requests.due(1.0)
    assert not requests.silent


def test_two_requests_without_an_answer_in_a_second_mean_silent() -> None:
    requests = KeyFrameRequests()
    requests.want()
    assert requests.due(0.0)
    assert requests.due(0.5)
    assert not requests.silent
    assert not requests.due(1.0)
    assert requests.silent
    assert requests.due(3.6)


def test_prompt_answers_prove_that_it_answers() -> None:
    requests = KeyFrameRequests()
    for number in range(3):
        assert not requests.proven
        requests.want()
        requests.due(float(number))
        requests.came(number + 0.1)
    assert requests.proven


def test_a_late_answer_proves_nothing() -> None:
    requests = KeyFrameRequests()
    for number in range(5):
        requests.want()
        requests.due(float(number))
        requests.came(number + 0.9)
    assert not requests.proven


def test_requests_may_be_spaced_further() -> None:
    requests = KeyFrameRequests()
    requests.want()
    assert requests.due(0.0, 1.2)
    requests.came(0.1)
    requests.want()
    assert not requests.due(1.1, 1.2)
    assert requests.due(1.2, 1.2)


def test_an_urgent_request_waits_for_no_spacing() -> None:
    requests = KeyFrameRequests()
    requests.want()
    assert requests.due(0.0, 1.2)
    requests.came(0.1)
    requests.urge()
    assert requests.due(0.2, 1.2)
    assert not requests.due(0.3, 1.2)
    assert requests.due(0.36, 1.2)
    requests.came(0.4)
    requests.want()
    assert not requests.due(1.0, 1.2)


def test_an_urgent_request_to_one_who_is_silent_waits() -> None:
    requests = KeyFrameRequests()
    requests.urge()
    assert [step / 10 for step in range(60) if requests.due(step / 10)] == [0.0, 0.2, 0.4, 0.6, 0.8, 3.8]
    assert requests.silent
