from __future__ import annotations

from signaling.relay.agenda import Agenda


def test_due_in_order_and_a_few_at_a_time() -> None:
    agenda = Agenda()
    for number in range(10):
        agenda.put(f"n{number}", 10.0 - number)
    assert agenda.take(5.0, 3) == ["n9", "n8", "n7"]
    assert agenda.take(5.0, 9) == ["n6", "n5"]
    assert agenda.take(5.0, 9) == []


def test_a_later_word_counts() -> None:
    agenda = Agenda()
    agenda.put("a", 1.0)
    agenda.put("a", 3.0)
    assert agenda.take(2.0, 9) == []
    agenda.hasten("a", 1.5)
    agenda.hasten("a", 2.5)
    assert agenda.take(2.0, 9) == ["a"]
    agenda.hasten("a", 0.0)
    assert agenda.take(9.0, 9) == []


def test_removed_is_never_due() -> None:
    agenda = Agenda()
    agenda.put("a", 1.0)
    agenda.remove("a")
    assert agenda.take(9.0, 9) == []


def test_it_stays_small_when_one_name_is_put_again_and_again() -> None:
    agenda = Agenda()
    for number in range(10_000):
        agenda.put("a", float(number))
    assert len(agenda._heap) < 200
    assert agenda.take(1e9, 9) == ["a"]
