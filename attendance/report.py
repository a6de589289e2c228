"""The report of a lecture: everything an export says, computed from its facts and its roster and nothing else.

The same rows, roster, scope and zone give the same report, and a report gives the same bytes in each format.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping

import msgspec

from attendance.audit import Auditor, Broken
from attendance.chain import Head
from attendance.correction import Correction
from attendance.decision import Decision, decisions
from attendance.explanation import corrected, explain
from attendance.extent import Counted, Outage
from attendance.facts import LectureState
from attendance.interval import Span, clip, total, union
from attendance.ports import Ledger, Notary
from attendance.presence import Account, Appearance, Presence
from attendance.roster import ERASED, BranchPath, Invitation, Role
from attendance.rule import RuleVersion
from attendance.site import Headcount, Site, Stay
from attendance.verdict import Judgement, Verdict, judge
from attendance.words import Language

CHINA = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
"""The default zone; without summer time since 1991, so exact and independent of any time zone database."""

_ROLES = (Role.LECTURER, Role.HOST, Role.GUEST, Role.MEMBER)


class Line(msgspec.Struct, frozen=True):
    """One invited person. `judgement` is by the report's rule; None of lecturer, host and guests, whom none binds.
    `correction` is what somebody found instead; `account` and `judgement` are of what was measured all the same."""

    invitation: Invitation
    account: Account
    judgement: Judgement | None
    correction: Correction | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The one that holds."""
        if self.judgement is None or self.correction is None:
            return None if self.judgement is None else self.judgement.verdict
        return self.correction.verdict

    @property
    def credited(self) -> int | None:
        """The time that holds, µs; None: not measured, and nobody gave any."""
        given = None if self.correction is None else self.correction.credited
        return self.account.credited if given is None else given


class BranchLine(msgspec.Struct, frozen=True):
    """A branch and all below it; `present`, `excused`: by the verdicts that hold, the rest as measured. `share` is the
    credited time of all who were measured over the time that they could have had; None where nobody was."""

    branch: BranchPath
    invited: int
    attended: int
    present: int
    excused: int
    absent: int
    not_measured: int
    share: float | None


class SiteLine(msgspec.Struct, frozen=True):
    """One site of collective viewing. `hours`: from when to when it was open (None: it still was); `received`: what of
    the counted time its screen received (µs; None where nothing counts); `stays` those of who has a line, in order."""

    site: Site
    hours: list[tuple[int, int | None]]
    headcount: Headcount | None
    received: int | None
    stays: list[Stay]


class Report(msgspec.Struct, frozen=True):
    """Times are µs since the epoch, UTC; `zone` is the one they are shown in. `head` is None where nobody signs.
    `rule` is the one that verdicts are by, the last of `rules`; `frozen` the one that the lecture began under.
    `counted`: what of it counts, `denominator` together; `served`: when some process of ours was there. `appearances`:
    testimonials of those who have a line; `decisions`: what people decided about them. `names` and `reasons` are of
    those who decided or called somebody, and of corrections, by id, as far as they are known."""

    lecture: str
    title: str
    state: LectureState
    started: int | None
    ended: int | None
    denominator: int | None
    lines: list[Line]
    counted: list[Span]
    outages: list[Outage]
    silent: list[Span]
    served: list[Span]
    appearances: list[Appearance]
    rules: list[RuleVersion]
    frozen: RuleVersion | None
    row: int
    hash: bytes
    head: Head | None
    broken: Broken | None
    scope: BranchPath
    zone: datetime.tzinfo
    sites: list[SiteLine] = []
    """Those of the scope, and where its members watched."""
    decisions: list[Decision] = []
    names: dict[str, str] = {}
    reasons: dict[str, str] = {}

    def branches(self) -> list[BranchLine]:
        """Members only (no lecturer, host or guest): the scope as a whole first, then every branch below it."""
        groups: dict[BranchPath, list[Line]] = {self.scope: []}
        for line in self.lines:
            if line.invitation.role == Role.MEMBER:
                branch = line.invitation.member.branch
                for depth in range(len(self.scope), len(branch) + 1):
                    groups.setdefault(branch[:depth], []).append(line)
        return [_branch_line(branch, groups[branch]) for branch in sorted(groups)]

    @property
    def rule(self) -> RuleVersion:
        return self.rules[-1]

    def explanation(self, line: Line, language: Language) -> str:
        """Why the verdict on this person is what it is; empty where there is none."""
        if line.judgement is None:
            return ""
        measured = explain(line.judgement, self.rule.rule, line.account, self.at, language, self.outages)
        if line.correction is None:
            return measured
        by = self.name(line.correction.by)
        said = corrected(line.correction, line.judgement, by, self.at, language)
        return f"{said}{'；' if language == 'zh' else '; '}{measured}"

    def name(self, person: str | None) -> str:
        """Of somebody who decided something or called somebody; their id where no name is known, "" of nobody."""
        return self.names.get(person or "", person or "")

    def reason(self, identity: str) -> str:
        """Of a correction."""
        return self.reasons.get(identity, ERASED)

    def at(self, time: int) -> datetime.datetime:
        """µs → an aware time in the report's zone, exact to the µs."""
        return (EPOCH + datetime.timedelta(microseconds=time)).astimezone(self.zone)

    def iso(self, time: int | None) -> str | None:
        """ISO 8601 with offset and milliseconds (cut, not rounded: no time is later than it was)."""
        return None if time is None else self.at(time).isoformat(timespec="milliseconds")

    def exact(self, time: int | None) -> str | None:
        """The same to the µs where there are any, so that figures can be reckoned from it again."""
        if time is None or time % 1000 == 0:
            return self.iso(time)
        return self.at(time).isoformat(timespec="microseconds")


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def seconds(time: int | None) -> float | None:
    """µs → seconds with milliseconds, rounded once, here."""
    return None if time is None else round(time / 1_000) / 1_000


def in_scope(branch: BranchPath, scope: BranchPath) -> bool:
    """Whether a branch is the scope's or lies below it; () is everything."""
    return branch[: len(scope)] == scope


class Reading(msgspec.Struct, frozen=True):
    """A lecture's ledger as it was read: up to which row, with which hash, and whether it verified."""

    lecture: str
    presence: Presence
    row: int
    hash: bytes
    head: Head | None = None
    broken: Broken | None = None


class LedgerReader:
    """Reads one lecture's ledger up to its head and checks it against itself and the heads known; asked again, it reads
    what came since, so the presence of an earlier `Reading` grows with it. One call at a time."""

    def __init__(self, ledger: Ledger, notary: Notary | None, lecture: str) -> None:
        self._ledger = ledger
        self._notary = notary
        self._lecture = lecture
        self._auditor: Auditor | None = None
        self._presence = Presence()
        self._row = 0
        self._hash = b""

    async def read(self) -> Reading:
        """A ledger that does not verify is read all the same, says so, and is read anew the next time. Raises
        `StoreUnavailable`."""
        known = [] if self._notary is None else await self._notary.known(self._lecture)
        head = None if self._notary is None else await self._notary.seal(self._lecture)
        last, digest = await self._ledger.last(self._lecture) if head is None else (head.row, head.hash)
        if self._auditor is None or self._row > last or (self._row == last and self._hash != digest):
            self._auditor, self._presence, self._row = Auditor(self._lecture, known, self._notary), Presence(), 0
        else:
            self._auditor.learn(known)
        auditor, self._auditor = self._auditor, None  # whatever interrupts it, the next one begins anew
        async for row in self._ledger.rows(self._lecture, self._row, last):
            fact = auditor.check(row)
            if fact is not None:
                self._presence.apply(fact, row.row)
            self._row, self._hash = row.row, row.hash
        broken = auditor.finish(last)
        if broken is None:
            self._auditor = auditor
        return Reading(self._lecture, self._presence, last, digest, head, broken)


def compose(
    reading: Reading,
    title: str,
    invitations: Iterable[Invitation],
    *,
    scope: BranchPath = (),
    zone: datetime.tzinfo = CHINA,
    sites: Iterable[Site] = (),
    names: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> Report:
    """Sorted by branch, then name, then id; whoever is invited twice appears once, in the higher role."""
    chosen: dict[str, Invitation] = {}
    for invitation in invitations:
        other = chosen.get(invitation.member.id)
        if in_scope(invitation.member.branch, scope) and (other is None or _rank(invitation) < _rank(other)):
            chosen[invitation.member.id] = invitation
    ordered = sorted(chosen.values(), key=lambda one: (one.member.branch, one.member.name, one.member.id))
    presence = reading.presence
    counted = presence.counted()
    rules = presence.rules.history

    def line(invitation: Invitation) -> Line:
        account = presence.account(invitation.member.id)
        if invitation.role != Role.MEMBER:
            return Line(invitation, account, None)
        excuse = presence.excuses.of(account.member)
        leave = None if excuse is None else excuse.cause
        judgement = judge(rules[-1].rule, account, counted, leave)
        return Line(invitation, account, judgement, presence.corrections.of(account.member))

    known = dict(reasons or {})
    books = presence.excuses, presence.corrections
    decided = [one for member in chosen for one in decisions(member, *books, known)]
    return Report(
        lecture=reading.lecture,
        title=title,
        state=presence.state,
        started=presence.started,
        ended=presence.ended,
        denominator=counted.denominator,
        lines=[line(invitation) for invitation in ordered],
        counted=counted.spans,
        outages=counted.outages,
        silent=counted.silent,
        served=presence.served(),
        appearances=[one for one in presence.appearances if one.member in chosen],
        rules=rules,
        frozen=presence.rules.frozen,
        row=reading.row,
        hash=reading.hash,
        head=reading.head,
        broken=reading.broken,
        scope=scope,
        zone=zone,
        sites=_site_lines(presence, counted, sites, scope, chosen),
        decisions=sorted(decided, key=lambda one: (one.at, one.member)),
        names=dict(names or {}),
        reasons=known,
    )


def _site_lines(
    presence: Presence, counted: Counted, known: Iterable[Site], scope: BranchPath, chosen: Collection[str]
) -> list[SiteLine]:
    """Those that ever opened. One whose row was deleted is known by its id alone."""
    rows = {site.id: site for site in known}
    stays: dict[str, list[Stay]] = {}
    for stay in sorted(
        stay for member in presence.sites.members if member in chosen for stay in presence.sites.stays(member)
    ):
        stays.setdefault(stay.site, []).append(stay)
    found: list[SiteLine] = []
    for one in presence.sites.sites:
        site = rows.get(one) or Site(one, "", (), "", "")
        there = stays.get(one, [])
        if not there and not (in_scope(site.branch, scope) and (one in rows or not scope)):
            continue
        spans = clip(union((shown.start, shown.end) for shown in presence.screen(one)), counted.spans)
        received = None if counted.denominator is None else total(spans)
        found.append(SiteLine(site, presence.sites.hours(one), presence.sites.heads(one), received, there))
    return sorted(found, key=lambda line: (line.site.branch, line.site.place, line.site.id))


def people(presence: Presence) -> set[str]:
    """Ids of those whose names a report wants: who set the rule, decided about somebody, called them, or said that they
    were at a site, or how many were."""
    called = {one.called_by for one in presence.appearances if one.called_by}
    set_by = {version.by for version in presence.rules.history if version.by is not None}
    stays = [stay for member in presence.sites.members for stay in presence.sites.stays(member)]
    counts = [count for site in presence.sites.sites if (count := presence.sites.heads(site)) is not None]
    attested = {one for stay in stays for one in (stay.by, stay.ended_by) if one} | {one.by for one in counts if one.by}
    return called | set_by | presence.excuses.staff | presence.corrections.staff | attested


async def report_for(
    ledger: Ledger,
    notary: Notary | None,
    lecture: str,
    title: str,
    invitations: Iterable[Invitation],
    *,
    scope: BranchPath = (),
    zone: datetime.tzinfo = CHINA,
    sites: Iterable[Site] = (),
) -> Report:
    """`LedgerReader`, then `compose`, which takes 60 ms of CPU for 1,120 members: where a loop must not wait, call the
    two yourself and let `compose` run elsewhere. Raises `StoreUnavailable`."""
    reading = await LedgerReader(ledger, notary, lecture).read()
    return compose(reading, title, invitations, scope=scope, zone=zone, sites=sites)


def _rank(invitation: Invitation) -> int:
    return _ROLES.index(invitation.role) if invitation.role in _ROLES else len(_ROLES)


def _count(lines: list[Line], verdict: Verdict) -> int:
    return sum(1 for one in lines if one.verdict is verdict)


def _branch_line(branch: BranchPath, lines: list[Line]) -> BranchLine:
    accounts = [line.account for line in lines]
    measured = [(one.credited, one.denominator) for one in accounts if one.credited is not None and one.denominator]
    possible = sum(denominator for _, denominator in measured)
    return BranchLine(
        branch=branch,
        invited=len(accounts),
        attended=sum(1 for one in accounts if one.credited),
        present=_count(lines, Verdict.PRESENT),
        excused=_count(lines, Verdict.EXCUSED),
        absent=sum(1 for one in accounts if one.credited == 0),
        not_measured=sum(1 for one in accounts if one.credited is None),
        share=sum(credited for credited, _ in measured) / possible if possible else None,
    )
