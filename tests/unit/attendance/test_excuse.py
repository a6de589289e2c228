from __future__ import annotations

import random

from attendance.excuse import Excuse, ExcuseBook
from attendance.facts import ExcuseWithdrawn, Fact, Leave, MemberExcused

BODIES: list[tuple[int, MemberExcused | ExcuseWithdrawn]] = [
    (10, MemberExcused("m", Leave.OTHER, "s1")),
    (20, MemberExcused("m", Leave.ILLNESS, "s2")),
    (30, MemberExcused("n", Leave.DUTY, None)),
    (40, ExcuseWithdrawn("n", "s1")),
    (50, MemberExcused("o", Leave.DUTY, "s1")),
]


def test_what_was_said_last_holds_whatever_the_order() -> None:
    facts = [Fact("party", "a", "1", counter, at, body) for counter, (at, body) in enumerate(BODIES, 1)]
    for seed in range(6):
        shuffled = [*facts, *facts[:3]]
        random.Random(seed).shuffle(shuffled)
        book = ExcuseBook()
        for fact in shuffled:
            assert isinstance(fact.body, MemberExcused | ExcuseWithdrawn)
            book.file(fact, fact.body)
        assert book.of("m") == Excuse(20, Leave.ILLNESS, "s2")
        assert book.of("n") is None
        assert book.of("nobody") is None
        assert sorted(book.members) == ["m", "o"]
