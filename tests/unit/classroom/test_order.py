from __future__ import annotations

from classroom.room.journal import OrderEntry
from classroom.room.order import LENGTH, Rundown


def entry(name: str, member: str | None = None) -> OrderEntry:
    return OrderEntry(name, member or name, name, "镇巴县", "", 5)


def rundown(*names: str) -> Rundown:
    made = Rundown()
    made.set(tuple(entry(name) for name in names))
    return made


def everybody(member: str) -> bool:
    return True


def test_the_first_who_is_here_and_did_not_share_is_called() -> None:
    order = rundown("a", "b", "c")
    assert order.callable(lambda member: member != "a", ()) == entry("b")
    order.came_on("b", rehearsed=False)
    assert order.callable(lambda member: member != "a", ()) == entry("c")
    assert order.callable(everybody, {"a"}) == entry("c")
    assert order.callable(lambda member: False, ()) is None


def test_who_did_not_come_is_called_after_all_others() -> None:
    order = rundown("a", "b")
    order.did_not_come("a", rehearsed=False)
    assert order.callable(everybody, ()) == entry("b")
    order.came_on("b", rehearsed=False)
    assert order.callable(everybody, ()) == entry("a")
    order.did_not_come("b", rehearsed=False)  # was on before
    assert not order.passed("b")


def test_what_was_rehearsed_is_to_come() -> None:
    order = rundown("a", "b")
    order.rehearsing = True
    order.came_on("a", rehearsed=True)
    assert order.callable(everybody, ()) == entry("b")
    order.rehearsing = False
    assert order.callable(everybody, ()) == entry("a")


def test_who_shares_twice_is_called_for_the_first_that_is_to_come() -> None:
    order = Rundown()
    order.set((entry("one", "a"), entry("two", "a")))
    assert order.of("a") == entry("one", "a")
    order.came_on("one", rehearsed=False)
    assert order.of("a") == entry("two", "a")
    order.came_on("two", rehearsed=False)
    assert order.of("a") == entry("two", "a")
    assert order.of("b") is None


def test_what_is_taken_out_is_forgotten_and_fifty_stay() -> None:
    order = rundown("a", "b")
    order.came_on("a", rehearsed=False)
    order.set((entry("b"),))
    order.set((entry("a"), entry("b")))
    assert order.planned() == [entry("a"), entry("b")]
    assert (order.place("b"), order.place("x"), order.place(None)) == (1, 2, 2)
    order.came_on("x", rehearsed=False)
    assert not order.appeared("x")
    order.set(tuple(entry(f"{number}") for number in range(LENGTH + 5)))
    assert len(order.entries) == LENGTH
