"""What a room is told of the ledger where the ledger is none of the test's business: nothing was ever recorded."""

from __future__ import annotations

from attendance.facts import Rule
from attendance.sign_in import SignIn


class NoHistory:
    """Implements `signin.History`: no rule asks for sign-ins, and nobody was asked for any."""

    def rule(self) -> Rule:
        return Rule(sign_ins=0, answered=0)

    def started(self) -> int | None:
        return None

    def seed(self, member: str) -> bytes:
        return member.encode()

    def came(self, member: str) -> int | None:
        return None

    def sign_ins(self, member: str) -> list[SignIn]:
        return []

    def away(self, member: str, since: int, now: int) -> int:
        return 0

    def levels(self, member: str) -> list[tuple[str, str, str]]:
        return []

    def hearing(self) -> frozenset[str]:
        return frozenset()

    def gathered(self) -> frozenset[str]:
        return frozenset()

    def at_site(self, member: str) -> bool:
        return False

    def calls(self) -> int:
        return 0
