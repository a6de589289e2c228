"""Personal links as QR codes: one as SVG, one for a terminal, and a printable sheet of all."""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape
from itertools import groupby

import segno

from classroom.ports import Language, Link

ROLES: dict[Language, dict[str, str]] = {
    "zh": {"lecturer": "主讲人", "host": "主持人", "guest": "嘉宾", "member": "学员"},
    "en": {"lecturer": "Lecturer", "host": "Host", "guest": "Guest", "member": "Member"},
}
STAGE: dict[Language, str] = {"zh": "主讲人、主持人与嘉宾", "en": "Lecturer, host and guests"}
ADVICE: dict[Language, str] = {
    "zh": "扫码即可进入，无需注册。此码仅限本人使用，请勿转发。",
    "en": "Scan to come in; no account needed. This code is for this person alone.",
}
STYLE = """
  @page { size: A4; margin: 12mm }
  body { font: 11pt/1.4 "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Microsoft YaHei", sans-serif; margin: 12mm auto;
         max-width: 186mm; color: #111 }
  @media print { body { margin: 0 } }
  h1 { font-size: 17pt; margin: 0 } p { margin: 1mm 0 6mm; color: #444 }
  h2 { font-size: 13pt; margin: 7mm 0 3mm; break-after: avoid }
  ul { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4mm; padding: 0; margin: 0; list-style: none }
  li { border: .3mm solid #999; border-radius: 2mm; padding: 3mm; text-align: center; break-inside: avoid }
  li svg { width: 40mm; height: 40mm; display: block; margin: 0 auto 1mm }
  li b { display: block; font-size: 13pt } li span { color: #444; font-size: 9pt }
"""


def svg(url: str) -> str:
    """An SVG element without XML declaration, for a page or a file."""
    return segno.make(url, error="m", micro=False).svg_inline(border=2, omitsize=True, svgns=True)


def terminal(url: str) -> str:
    """Half blocks, two modules a character: dark on light whatever the terminal's colours."""
    out = io.StringIO()
    segno.make(url, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue()


def sheet(title: str, links: Iterable[Link], language: Language = "zh") -> str:
    """A page to print: a card for each link, those on stage first, then a heading for each branch. Links come in the
    office's order."""
    roles = ROLES[language]
    parts = []
    for branch, cards in groupby(links, key=lambda link: link.branch if link.role == "member" else None):
        heading = STAGE[language] if branch is None else branch
        items = "".join(
            f"<li>{svg(link.url)}<b>{escape(link.name)}</b><span>{escape(roles.get(link.role, link.role))}</span></li>"
            for link in cards
        )
        parts.append(f"<h2>{escape(heading)}</h2><ul>{items}</ul>")
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1><p>{ADVICE[language]}</p>{''.join(parts)}</html>\n"
    )
