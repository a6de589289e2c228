"""The report as JSON (docs/protocol.md §5): for programs, complete, in UTF-8."""

from __future__ import annotations

from typing import Any

import msgspec

from attendance.decision import Decision
from attendance.explanation import rule_sentence
from attendance.interval import Span
from attendance.report import Line, Report, SiteLine, seconds
from attendance.rule import RuleVersion
from attendance.seal import seal_of
from attendance.sheet.city import city_of
from attendance.site import Headcount, Stay
from attendance.track import Session
from attendance.words import Language


def write(report: Report, language: Language = "zh") -> bytes:
    """The same report and language always give the same bytes; sentences alone are in `language`."""
    return msgspec.json.encode(document(report, language)) + b"\n"


def document(report: Report, language: Language) -> dict[str, Any]:
    return {
        "lecture": {
            "id": report.lecture,
            "title": report.title,
            "state": report.state.value,
            "started": report.iso(report.started),
            "ended": report.iso(report.ended),
        },
        "rule": {
            "version": report.rule.version,
            "frozen": None if report.frozen is None else report.frozen.version,
            "versions": [_version(report, version, language) for version in report.rules],
        },
        "members": [_member(report, line, language) for line in report.lines],
        "testimonials": [
            {
                "member": one.member,
                **_span(report, Span(one.start, one.end)),
                "called_by": report.name(one.called_by) or None,
                "reconnects": one.reconnects,
            }
            for one in report.appearances
        ],
        "decisions": [_decision(report, one) for one in report.decisions],
        "counted": [_span(report, span) for span in report.counted],
        "sites": [_site(report, line) for line in report.sites],
        "outages": [{**_span(report, Span(one.start, one.end)), "cause": one.cause} for one in report.outages],
        "silent": [_span(report, span) for span in report.silent],
        "head": {
            "row": report.row,
            "hash": report.hash.hex(),
            "at": None if report.head is None else report.head.at,
            "signature": None if report.head is None else report.head.signature.hex(),
            "broken": None if report.broken is None else {"row": report.broken.row, "reason": report.broken.reason},
        },
        "exported_scope": " / ".join(report.scope),
        "seal": seal_of(report, language).text(),
    }


def _version(report: Report, version: RuleVersion, language: Language) -> dict[str, Any]:
    return {
        "version": version.version,
        "rule": version.rule,
        "sentence": rule_sentence(version.rule, language),
        "at": report.iso(version.at),
        "by": report.name(version.by) or None,
        "why": version.why,
    }


def person(line: Line) -> dict[str, Any]:
    """Who it is, the verdict that holds and the measured one."""
    member, judgement = line.invitation.member, line.judgement
    return {
        "id": member.id,
        "name": member.name,
        "branch": " / ".join(member.branch),
        "role": line.invitation.role,
        "phone": member.phone,
        "city": city_of(member.city),
        "verdict": None if line.verdict is None else line.verdict.value,
        "measured_verdict": None if judgement is None else judgement.verdict.value,
    }


def _member(report: Report, line: Line, language: Language) -> dict[str, Any]:
    account, judgement = line.account, line.judgement
    return {
        **person(line),
        "correction": _correction(report, line),
        "unmet": [] if judgement is None else [block.value for block in judgement.unmet],
        "leave": None if judgement is None or judgement.leave is None else judgement.leave.value,
        "explanation": report.explanation(line, language),
        "first_join": report.iso(account.first_join),
        "last_leave": report.iso(account.last_leave),
        "connected_seconds": seconds(account.connected),
        "receiving_seconds": seconds(account.receiving),
        "proved_seconds": seconds(account.proved),
        "reported_seconds": seconds(account.reported),
        "individual_seconds": seconds(account.individual),
        "collective_seconds": seconds(account.collective),
        "credited_seconds": seconds(account.credited),
        "credited_proved_seconds": seconds(account.credited_proved),
        "denominator_seconds": seconds(account.denominator),
        "share": None if account.share is None else round(account.share, 4),
        "visible_seconds": seconds(account.visible),
        "on_stage_seconds": seconds(account.on_stage),
        "sessions": [_session(report, session) for session in account.sessions],
        "bridged": [_span(report, span) for span in account.bridged],
        "sign_ins": [
            {
                "id": one.id,
                "at": report.iso(one.at),
                "until": report.iso(one.until),
                "answered": report.iso(one.answered),
            }
            for one in account.sign_ins
        ],
        "failed": [{"at": report.iso(one.at), "cause": one.cause, "detail": one.detail} for one in account.failed],
        "by_code": account.by_code,
    }


def _site(report: Report, line: SiteLine) -> dict[str, Any]:
    site, count = line.site, line.headcount
    return {
        "id": site.id,
        "place": site.place,
        "branch": " / ".join(site.branch),
        "host": site.host,
        "host_name": site.host_name,
        "hours": [{"from": report.exact(start), "to": report.exact(end)} for start, end in line.hours],
        "heads": None if count is None else _heads(report, count),
        "screen_seconds": seconds(line.received),
        "stays": [_stay(report, stay) for stay in line.stays],
    }


def _heads(report: Report, count: Headcount) -> dict[str, Any]:
    return {"count": count.heads, "at": report.iso(count.at), "by": report.name(count.by) or None}


def _stay(report: Report, stay: Stay) -> dict[str, Any]:
    return {
        "member": stay.member,
        "from": report.exact(stay.start),
        "to": report.exact(stay.end),
        "how": stay.how,
        "by": report.name(stay.by) or None,
        "closed_by": stay.closed_by,
        "ended_by": report.name(stay.ended_by) or None,
    }


def _correction(report: Report, line: Line) -> dict[str, Any] | None:
    one = line.correction
    if one is None:
        return None
    return {
        "verdict": one.verdict.value,
        "credited_seconds": seconds(one.credited),
        "at": report.iso(one.at),
        "by": report.name(one.by) or None,
        "why": report.reason(one.id),
    }


def _decision(report: Report, one: Decision) -> dict[str, Any]:
    return {
        "at": report.iso(one.at),
        "member": one.member,
        "what": one.kind.value,
        "before": one.before or None,
        "after": one.after or None,
        "credited_seconds_before": seconds(one.credited_before),
        "credited_seconds": seconds(one.credited),
        "by": report.name(one.by) or None,
        "why": one.why,
    }


def _session(report: Report, session: Session) -> dict[str, Any]:
    return {
        "kind": session.kind.value,
        "evidence": session.evidence,
        **_span(report, Span(session.start, session.end)),
        "opened_by": session.opened_by,
        "closed_by": session.closed_by,
        "uncertainty_seconds": seconds(session.uncertainty),
        "open": session.open,
    }


def _span(report: Report, span: Span) -> dict[str, str | None]:
    return {"from": report.exact(span.start), "to": report.exact(span.end)}
