"""A lecture's rule and its versions: which one holds, which one it began under, who changed it and why."""

from __future__ import annotations

import msgspec

from attendance.facts import Fact, Rule, RuleFrozen, RuleSet

DEFAULT = Rule()
"""Of a lecture whose rule nobody has set: 80 % of the time, two of three sign-ins."""


class RuleVersion(msgspec.Struct, frozen=True):
    """`at` (µs, UTC) and `by` (a staff id) are None of the default rule."""

    version: int
    at: int | None = None
    rule: Rule = DEFAULT
    by: str | None = None
    why: str = ""


class RuleBook:
    """Of one lecture; files facts in any order, a second time without effect."""

    def __init__(self) -> None:
        self._set: dict[tuple[int, int, str, str, int], RuleVersion] = {}
        self._frozen: dict[tuple[int, int], RuleVersion] = {}

    def set(self, fact: Fact, body: RuleSet) -> None:
        key = (body.version, fact.happened, fact.node, fact.boot, fact.counter)
        self._set[key] = RuleVersion(body.version, fact.happened, body.rule, body.by, body.why)

    def freeze(self, fact: Fact, body: RuleFrozen) -> None:
        self._frozen[fact.happened, fact.counter] = RuleVersion(body.version, fact.happened, body.rule)

    @property
    def frozen(self) -> RuleVersion | None:
        """What the lecture began under, and when; None: it has not begun, or no service saw it begin."""
        return self._frozen[min(self._frozen)] if self._frozen else None

    @property
    def history(self) -> list[RuleVersion]:
        """All versions, the first (the default) before all."""
        return [RuleVersion(1), *(self._set[key] for key in sorted(self._set))]

    @property
    def current(self) -> RuleVersion:
        """What holds now: the last version."""
        return self.history[-1]
