"""The report as JSON (docs/protocol.md §5): for programs, complete, in UTF-8."""

from __future__ import annotations

from typing import Any

import msgspec

from attendance.interval import Span
from attendance.report import Line, Report, seconds
from attendance.track import Session
from attendance.words import Language


def write(report: Report, language: Language = "zh") -> bytes:
    """The same report always gives the same bytes; names and words are the same in either `language`."""
    return msgspec.json.encode(document(report)) + b"\n"


def document(report: Report) -> dict[str, Any]:
    return {
        "lecture": {
            "id": report.lecture,
            "title": report.title,
            "state": report.state.value,
            "started": report.iso(report.started),
            "ended": report.iso(report.ended),
        },
        "members": [_member(report, line) for line in report.lines],
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
    }


def _member(report: Report, line: Line) -> dict[str, Any]:
    member, account = line.invitation.member, line.account
    return {
        "id": member.id,
        "name": member.name,
        "branch": " / ".join(member.branch),
        "role": line.invitation.role,
        "phone": member.phone,
        "first_join": report.iso(account.first_join),
        "last_leave": report.iso(account.last_leave),
        "connected_seconds": seconds(account.connected),
        "receiving_seconds": seconds(account.receiving),
        "credited_seconds": seconds(account.credited),
        "denominator_seconds": seconds(account.denominator),
        "share": None if account.share is None else round(account.share, 4),
        "visible_seconds": seconds(account.visible),
        "on_stage_seconds": seconds(account.on_stage),
        "sessions": [_session(report, session) for session in account.sessions],
        "bridged": [_span(report, span) for span in account.bridged],
        "failed": [{"at": report.iso(one.at), "cause": one.cause, "detail": one.detail} for one in account.failed],
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
    return {"from": report.iso(span.start), "to": report.iso(span.end)}
