"""What a room asks about attendance, answered by the lecture's facts and by what the relay told."""

from __future__ import annotations

from dataclasses import dataclass

from attendance.facts import Rule
from attendance.interval import Span, clip, total
from attendance.presence import Presence
from attendance.sign_in import SignIn
from classroom.evidence import Witness
from classroom.room import counting


@dataclass(slots=True)
class Tally:
    """Implements `counting.Attendance` and `signin.History` for one lecture."""

    lecture: str
    presence: Presence
    witness: Witness

    def standing(self, member: str, now: int) -> counting.Standing:
        standing = self.presence.standing(member, now)
        return counting.Standing(standing.receiving, standing.credited // 1000, standing.since)

    def receiving(self) -> frozenset[str]:
        """By their own page, or at a site whose screen receives."""
        return self.witness.receiving(self.lecture) | self.presence.together()

    def gathered(self) -> list[str]:
        return [stay.member for stays in self.presence.sites.present().values() for stay in stays]

    def hearing(self) -> frozenset[str]:
        return self.witness.hearing(self.lecture)

    def excused(self) -> list[str]:
        return self.presence.excuses.members

    def levels(self, member: str) -> list[tuple[str, str, str]]:
        return self.witness.levels(self.lecture, member)

    def rule(self) -> Rule:
        rules = self.presence.rules
        return (rules.frozen or rules.current).rule

    def started(self) -> int | None:
        return self.presence.started

    def seed(self, member: str) -> bytes:
        return self.witness.secret(self.lecture, f"sign-ins/{member}")

    def came(self, member: str) -> int | None:
        connected = self.presence.connected(member)
        return connected[0].start if connected else None

    def sign_ins(self, member: str) -> list[SignIn]:
        return self.presence.sign_ins(member)

    def away(self, member: str, since: int, now: int) -> int:
        whole = [Span(since, now)] if since < now else []
        return total(whole) - total(clip(self.presence.connected(member), whole))

    def at_site(self, member: str) -> bool:
        return self.presence.sites.stay(member) is not None

    def calls(self) -> int:
        return self.presence.called()
