"""What the console shows of a report (docs/protocol.md §4): one line a member, sums, the curve, and one member's
evening in full. Encoding takes CPU: call these outside the loop."""

from __future__ import annotations

from typing import Any

import msgspec

from attendance.curve import curve
from attendance.explanation import rule_sentence
from attendance.extent import Outage
from attendance.interval import Span
from attendance.io.export_json import person
from attendance.overview import Tally, by_branch, by_city, members
from attendance.report import Line, Report, seconds
from attendance.track import Session
from attendance.verdict import Gap
from attendance.words import Language, meaning


def overview(report: Report, language: Language) -> bytes:
    """Everybody with their verdict, and the sums; no intervals."""
    return _encoded(
        {
            **_frame(report),
            "rule": {"version": report.rule.version, "sentence": rule_sentence(report.rule.rule, language)},
            "branches": [
                {"branch": " / ".join(branch), **_tally(tally)} for branch, tally in by_branch(report).items()
            ],
            "cities": [{"city": city, **_tally(tally)} for city, tally in by_city(report).items()],
            "members": [_line(report, line, language) for line in members(report)],
            "head": {"row": report.row, "hash": report.hash.hex(), "broken": report.broken is not None},
        }
    )


def evening(report: Report, member: str, language: Language) -> bytes | None:
    """One member's evening, each interval with what opened and closed it in words; None where the report has nobody of
    that id."""
    for line in report.lines:
        if line.invitation.member.id == member:
            account = line.account
            return _encoded(
                {
                    **_frame(report),
                    **_line(report, line, language),
                    "sessions": [_session(report, session, language) for session in account.sessions],
                    "bridged": [_span(report, span) for span in account.bridged],
                    "gaps": [] if line.judgement is None else [_gap(report, gap) for gap in line.judgement.gaps],
                    "sign_ins": [
                        {"at": report.iso(one.at), "until": report.iso(one.until), "answered": report.iso(one.answered)}
                        for one in account.sign_ins
                    ],
                    "failures": [
                        {"at": report.iso(one.at), "cause": one.cause, "detail": one.detail} for one in account.failed
                    ],
                }
            )
    return None


def curves(report: Report) -> bytes:
    """How many were there, over the evening; counts are null before the lecture was ever live."""
    found = curve(report)
    shape = None
    if found is not None:
        shape = {
            "from": report.iso(found.start),
            "step_seconds": found.step // 1_000_000,
            "connected": found.connected,
            "receiving": found.receiving,
        }
    return _encoded({**_frame(report), "curve": shape})


def _encoded(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document)


def _frame(report: Report) -> dict[str, Any]:
    """What everybody's evening is measured against."""
    return {
        "state": report.state.value,
        "started": report.iso(report.started),
        "ended": report.iso(report.ended),
        "counted_seconds": seconds(report.denominator),
        "scope": " / ".join(report.scope),
        "outages": [_outage(report, one) for one in report.outages],
        "silent": [_span(report, span) for span in report.silent],
    }


def _line(report: Report, line: Line, language: Language) -> dict[str, Any]:
    account, judgement = line.account, line.judgement
    given = None if line.correction is None else line.correction.credited
    credited = given if given is not None else account.credited if judgement is None else judgement.credited
    whole = account.denominator
    return {
        **person(line),
        "corrected": line.correction is not None,
        "leave": None if judgement is None or judgement.leave is None else judgement.leave.value,
        "credited_seconds": seconds(credited),
        "share": None if credited is None or not whole else _share(credited / whole),
        "first_join": report.iso(account.first_join),
        "last_leave": report.iso(account.last_leave),
        "answered": None if judgement is None else judgement.answered,
        "asked": None if judgement is None else judgement.asked,
        "failed": len(account.failed),
        "by_code": account.by_code,
        "explanation": report.explanation(line, language),
    }


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _tally(tally: Tally) -> dict[str, Any]:
    verdicts = {verdict.value: count for verdict, count in tally.verdicts.items()}
    return {"invited": tally.invited, "verdicts": verdicts, "share": _share(tally.share)}


def _session(report: Report, session: Session, language: Language) -> dict[str, Any]:
    return {
        "kind": session.kind.value,
        "evidence": session.evidence,
        **_span(report, Span(session.start, session.end)),
        "opened_by": meaning(session.opened_by, language),
        "closed_by": meaning(session.closed_by, language),
        "uncertainty_seconds": seconds(session.uncertainty),
        "open": session.open,
    }


def _gap(report: Report, gap: Gap) -> dict[str, Any]:
    return {**_span(report, Span(gap.start, gap.end)), "connected": gap.connected}


def _outage(report: Report, outage: Outage) -> dict[str, Any]:
    return {**_span(report, Span(outage.start, outage.end)), "cause": outage.cause}


def _span(report: Report, span: Span) -> dict[str, str | None]:
    return {"from": report.iso(span.start), "to": report.iso(span.end)}
