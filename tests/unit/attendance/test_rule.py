from __future__ import annotations

import random

import msgspec
import pytest

from attendance.facts import Body, Evidence, Fact, Rule, RuleFrozen, RuleSet
from attendance.rule import DEFAULT, RuleBook, RuleVersion

STRICT = Rule(Evidence.PROVED, 90, 4, 3, 10)


def filed(*bodies: tuple[int, Body]) -> list[Fact]:
    return [Fact("party", "a", "1", counter, at, body) for counter, (at, body) in enumerate(bodies, 1)]


def book(facts: list[Fact]) -> RuleBook:
    rules = RuleBook()
    for fact in facts:
        if isinstance(fact.body, RuleSet):
            rules.set(fact, fact.body)
        elif isinstance(fact.body, RuleFrozen):
            rules.freeze(fact, fact.body)
    return rules


def test_the_default_holds_until_somebody_sets_another() -> None:
    rules = book([])
    assert rules.current == RuleVersion(1, None, DEFAULT)
    assert rules.frozen is None
    assert (DEFAULT.share, DEFAULT.answered, DEFAULT.sign_ins) == (80, 2, 3)


def test_versions_are_kept_with_who_and_why_in_whatever_order_they_come() -> None:
    facts = filed(
        (10, RuleSet(STRICT, 2, "s1")),
        (20, RuleFrozen(STRICT, 2)),
        (30, RuleSet(DEFAULT, 3, "s2", "市里放宽")),
        (40, RuleFrozen(DEFAULT, 3)),
    )
    expected = [RuleVersion(1), RuleVersion(2, 10, STRICT, "s1"), RuleVersion(3, 30, DEFAULT, "s2", "市里放宽")]
    for seed in range(5):
        shuffled = [*facts, *facts[:2]]
        random.Random(seed).shuffle(shuffled)
        rules = book(shuffled)
        assert rules.history == expected
        assert rules.current == expected[-1]
        assert rules.frozen == RuleVersion(2, 20, STRICT)  # what it began under, whatever was frozen later


@pytest.mark.parametrize(
    "wrong",
    [
        {"sign_ins": 1, "answered": 2},
        {"share": 101},
        {"share": -1},
        {"share": 79.5},
        {"sign_ins": 7},
        {"entry": 0},
        {"evidence": "hearsay"},
        {"colour": "red"},
    ],
)
def test_what_is_no_rule_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Rule)


def test_a_rule_from_before_there_were_sites_counts_them() -> None:
    old = b'{"evidence":"reported","share":80,"sign_ins":3,"answered":2,"entry":null}'
    assert msgspec.json.decode(old, type=Rule) == Rule()
