"""The report as a page to print: A4, no script, nothing from elsewhere; what an organizer signs and files."""

from __future__ import annotations

from html import escape

from attendance.curve import Curve, curve
from attendance.explanation import duration, percent, rule_sentence
from attendance.overview import Tally, by_branch, by_city
from attendance.report import Report
from attendance.verdict import Verdict
from attendance.words import Language, meaning, word

STYLE = """
@page { size: A4; margin: 14mm 15mm 16mm }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 180mm; color: #000;
  font: 10.5pt/1.45 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif }
h1 { margin: 0; font-size: 18pt; text-align: center }
h2 { margin: 6mm 0 1.5mm; font-size: 12pt; break-after: avoid }
p { margin: 1mm 0 }
.under { text-align: center; color: #333 }
dl { display: grid; grid-template-columns: repeat(8, 1fr); margin: 5mm 0 1mm; border: 0.3mm solid #000 }
dl div { padding: 1.5mm 1mm; border-left: 0.2mm solid #888; text-align: center }
dl div:first-child { border-left: 0 }
dt { font-size: 9pt; color: #333 }
dd { margin: 0; font-size: 15pt; font-weight: 700; font-variant-numeric: tabular-nums }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
thead { display: table-header-group }
tr { break-inside: avoid }
th, td { padding: 0.9mm 1.5mm; border-bottom: 0.2mm solid #bbb; text-align: right }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom: 0.4mm solid #000; font-weight: 400; color: #333 }
tbody tr.top { font-weight: 700; background: #f1f1f1 }
svg { display: block; width: 100%; height: auto; break-inside: avoid }
.key { font-size: 9pt; color: #333 }
.cities { columns: 4; column-gap: 6mm; font-size: 9.5pt }
.cities p { display: flex; justify-content: space-between; margin: 0; break-inside: avoid }
.proof { margin-top: 6mm; padding-top: 2mm; border-top: 0.3mm solid #000; font-size: 8.5pt; break-inside: avoid }
code { font: 8pt/1.3 monospace; overflow-wrap: anywhere }
.sign { display: flex; gap: 12mm; margin-top: 9mm; break-inside: avoid }
.sign span { flex: 1; padding-top: 1mm; border-top: 0.2mm solid #000 }
@media screen { body { padding: 10mm 5mm } }
"""
_SAY: dict[str, tuple[str, str]] = {
    "title": ("考勤汇总", "Attendance"),
    "not-ended": ("课堂尚未结束，以下为截至打印时的数据。", "The lecture has not ended; this is the state so far."),
    "not-begun": ("课堂尚未开始。", "The lecture has not begun."),
    "lasted": ("应收看时长 {time}", "{time} count"),
    "people": ("各级组织", "Branches"),
    "cities": ("流入地：来自 {n} 个城市", "Where they live: {n} cities"),
    "no-city": ("未填", "not known"),
    "curve": ("同时在线与收看人数", "How many were there"),
    "connected": ("在线", "connected"),
    "receiving": ("收看", "receiving"),
    "key": (
        "实线为收看，虚线为在线；灰色为我方故障，斜线为没有画面声音；断开处未测得。",
        "Solid: receiving; dashed: connected; grey: our outage; hatched: nothing shown; where broken: not measured.",
    ),
    "rule": ("考勤规则（第 {version} 版）", "Rule (version {version})"),
    "other": ("迟到、早退、未达标", "Late, left early, incomplete"),
    "share": ("收看比例", "Share"),
    "proof": (
        "由账本第 1 至 {row} 行计算；末行哈希与签名如下，可用 classroom attendance verify 核对。",
        "Reckoned from rows 1 to {row} of the ledger. Its last hash and signature (classroom attendance verify):",
    ),
    "broken": (
        "注意：账本校验不符（第 {row} 行：{reason}）。",
        "Beware: the ledger does not verify (row {row}: {reason}).",
    ),
    "responsible": ("负责人", "Responsible"),
    "date": ("日期", "Date"),
}
FIGURES = (
    Verdict.PRESENT, Verdict.LATE, Verdict.LEFT_EARLY, Verdict.INCOMPLETE, Verdict.EXCUSED, Verdict.ABSENT,
    Verdict.NOT_MEASURED,
)  # fmt: skip
MOST_ROWS = 60
"""Of more branches only those right below the scope are listed: it is a summary, and each has a page of its own."""
DEEPEST = 9
WIDTH, HEIGHT = 680, 190
LEFT, RIGHT, TOP, BOTTOM = 38, 8, 10, 24
MINUTE = 60_000_000


def write(report: Report, language: Language = "zh") -> bytes:
    """The same report and language always give the same bytes."""
    tallies = by_branch(report)
    whole = tallies[report.scope]
    parts = [
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">',
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(report.title)} · {_say('title', language)}</title><style>{STYLE}</style></head><body>\n",
        f"<h1>{escape(report.title)}<br>{_say('title', language)}</h1>\n",
        f'<p class="under">{escape(_under(report, language))}</p>\n',
        _figures(whole, language),
        f"<h2>{_say('rule', language, version=str(report.rule.version))}</h2>",
        f"<p>{escape(rule_sentence(report.rule.rule, language))}</p>\n",
        _chart(curve(report), report, language),
        f"<h2>{_say('people', language)}</h2>{_branches(report, language)}",
        _cities(report, language),
        _proof(report, language),
        f'<p class="sign"><span>{_say("responsible", language)}</span><span>{_say("date", language)}</span></p>\n',
        "</body></html>\n",
    ]
    return "".join(parts).encode()


def _say(key: str, language: Language, **values: str) -> str:
    return _SAY[key][language == "en"].format(**values)


def _under(report: Report, language: Language) -> str:
    parts = [" / ".join(report.scope) or word("everything", language)]
    if report.started is None:
        return " · ".join([*parts, _say("not-begun", language)])
    span = f"{report.at(report.started):%Y-%m-%d %H:%M}"
    if report.ended is not None:
        span += f"–{report.at(report.ended):%H:%M}"
    parts.append(f"{span} (UTC{report.at(report.started):%z})")
    if report.denominator is not None:
        parts.append(_say("lasted", language, time=duration(report.denominator, language)))
    if report.ended is None:
        parts.append(_say("not-ended", language))
    return " · ".join(parts)


def _figures(whole: Tally, language: Language) -> str:
    cells = [(word("invited", language), whole.invited)]
    cells += [(meaning(verdict.value, language), whole.verdicts[verdict]) for verdict in FIGURES]
    return "<dl>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{count}</dd></div>" for name, count in cells) + "</dl>\n"


def _branches(report: Report, language: Language) -> str:
    heads = [word("branch", language), word("invited", language)]
    heads += [meaning(Verdict.PRESENT.value, language), _say("other", language)]
    heads += [meaning(one.value, language) for one in (Verdict.EXCUSED, Verdict.ABSENT, Verdict.NOT_MEASURED)]
    heads.append(_say("share", language))
    rows: list[str] = []
    found = by_branch(report)
    deepest = DEEPEST if len(found) <= MOST_ROWS else 1
    for branch, tally in found.items():
        depth = len(branch) - len(report.scope)
        if depth > deepest:
            continue
        name = branch[-1] if branch else word("total", language)
        some = tally.verdicts
        others = some[Verdict.LATE] + some[Verdict.LEFT_EARLY] + some[Verdict.INCOMPLETE]
        counts = [tally.invited, some[Verdict.PRESENT], others, some[Verdict.EXCUSED], some[Verdict.ABSENT]]
        cells = [*map(str, counts), str(some[Verdict.NOT_MEASURED])]
        cells.append(word("not_measured", language) if tally.share is None else percent(tally.share))
        rows.append(
            f'<tr{" class=top" if depth <= 1 else ""}><td style="padding-left:{1.5 + 4 * max(0, depth - 1):.1f}mm">'
            f"{escape(name)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"
        )
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{''.join(rows)}</tbody></table>\n"


def _cities(report: Report, language: Language) -> str:
    found = by_city(report)
    known = [city for city in found if city is not None]
    if not known:
        return ""
    lines = [
        f"<p><span>{escape(city or _say('no-city', language))}</span><span>{tally.invited}</span></p>"
        for city, tally in found.items()
    ]
    return f'<h2>{_say("cities", language, n=str(len(known)))}</h2><div class="cities">{"".join(lines)}</div>\n'


def _proof(report: Report, language: Language) -> str:
    parts = [f"<p>{_say('proof', language, row=str(report.row))}</p><p><code>{report.hash.hex()}</code></p>"]
    if report.head is not None:
        parts.append(f"<p><code>{report.head.signature.hex()}</code></p>")
    if report.broken is not None:
        said = _say("broken", language, row=str(report.broken.row), reason=report.broken.reason)
        parts.append(f"<p><b>{escape(said)}</b></p>")
    return f'<div class="proof">{"".join(parts)}</div>\n'


# --- the curve ------------------------------------------------------------------------------------------------------


def _chart(found: Curve | None, report: Report, language: Language) -> str:
    if found is None:
        return ""
    length = max(1, len(found.connected))
    most = _round_up(max((count or 0 for count in (*found.connected, *found.receiving)), default=0))

    def x(time: int) -> float:
        part = (time - found.start) / (length * found.step)
        return LEFT + min(1.0, max(0.0, part)) * (WIDTH - LEFT - RIGHT)

    def y(count: int) -> float:
        return TOP + (1 - count / most) * (HEIGHT - TOP - BOTTOM)

    def band(start: int, end: int, fill: str) -> str:
        width = max(1.0, x(end) - x(start))
        return (
            f'<rect x="{x(start):.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="{fill}"/>'
        )

    def line(counts: list[int | None], dashed: str) -> str:
        path, pen = [], "M"
        for number, count in enumerate(counts):
            if count is None:
                pen = "M"
                continue
            path.append(f"{pen}{x(found.start + number * found.step):.1f} {y(count):.1f}")
            pen = "L"
        return f'<path d="{"".join(path)}" fill="none" stroke="#000" stroke-width="1.2"{dashed}/>'

    shapes = [band(one.start, one.end, "#cfcfcf") for one in found.outages]
    shapes += [band(span.start, span.end, "url(#silent)") for span in found.silent]
    for count in (0, most // 2, most):
        shapes.append(f'<path d="M{LEFT} {y(count):.1f}H{WIDTH - RIGHT}" stroke="#bbb" stroke-width="0.5"/>')
        shapes.append(f'<text x="{LEFT - 4}" y="{y(count) + 3.5:.1f}" text-anchor="end">{count}</text>')
    shapes += [_tick(x(time), f"{report.at(time):%H:%M}") for time in _ticks(found, length)]
    for time in (report.started, report.ended):
        if time is not None:
            shapes.append(f'<path d="M{x(time):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#000" stroke-width="0.6"/>')
    shapes += [line(found.connected, ' stroke-dasharray="3 2"'), line(found.receiving, "")]
    return (
        f'<h2>{_say("curve", language)}</h2><svg viewBox="0 0 {WIDTH} {HEIGHT}" font-size="10" role="img" '
        f'aria-label="{_say("curve", language)}"><defs><pattern id="silent" width="4" height="4" '
        'patternUnits="userSpaceOnUse"><path d="M0 4L4 0" stroke="#999" stroke-width="0.6"/></pattern></defs>'
        f'{"".join(shapes)}</svg><p class="key">{_say("key", language)}</p>\n'
    )


def _tick(x: float, text: str) -> str:
    floor = HEIGHT - BOTTOM
    return (
        f'<path d="M{x:.1f} {floor}v4" stroke="#000" stroke-width="0.6"/>'
        f'<text x="{x:.1f}" y="{floor + 15}" text-anchor="middle">{text}</text>'
    )


def _ticks(found: Curve, length: int) -> list[int]:
    """Full minutes, eight at most."""
    whole = length * found.step
    every = next((each for each in (1, 2, 5, 10, 15, 30, 60, 120, 360, 1440) if whole // (each * MINUTE) <= 8), 10080)
    step = every * MINUTE
    return list(range(-(-found.start // step) * step, found.start + whole, step))


def _round_up(count: int) -> int:
    """The top of the scale: an even number that is easily read."""
    for size in (10, 20, 50, 100, 200, 300, 400, 500, 600, 800, 1000, 1200, 1500, 2000):
        if count <= size:
            return size
    return -(-count // 1000) * 1000
