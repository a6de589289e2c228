"""Personal links as QR codes: one, or a sheet of them to print and cut (A4, no external resources)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape

import segno

from classroom.people.words import LINKS, role_word
from classroom.ports import Language, Link

_STYLE = """
@page { size: A4; margin: 10mm }
* { box-sizing: border-box }
body { margin: 0; color: #000;
  font: 11pt/1.35 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif }
header { padding: 4mm 0; border-bottom: 0.3mm solid #000; margin-bottom: 4mm }
h1 { font-size: 14pt; margin: 0 }
p { margin: 1mm 0 0 }
main { display: grid; grid-template-columns: repeat(3, 1fr) }
article { border: 0.2mm dashed #888; padding: 3mm; text-align: center; break-inside: avoid; overflow-wrap: anywhere }
svg { width: 42mm; height: 42mm; display: block; margin: 0 auto 1mm }
b { font-size: 13pt }
small { display: block; color: #333; font-size: 8.5pt }
"""


def svg(url: str) -> bytes:
    """A QR code as an SVG document, with its quiet zone; medium error correction."""
    output = io.BytesIO()
    _code(url).save(output, kind="svg", omitsize=True, xmldecl=False, nl=False)
    return output.getvalue()


def terminal(url: str) -> str:
    """Half blocks, two modules to a character, dark on light where the terminal is dark; low error correction, for it
    must fit a window."""
    output = io.StringIO()
    segno.make_qr(url, error="l").terminal(output, border=2, compact=True)
    return output.getvalue()


def page(links: Sequence[Link], title: str, language: Language = "zh") -> bytes:
    """A printable HTML page, twelve codes to a sheet. About 5 ms a link: call it outside the loop."""
    heading = f"{title} · {LINKS['title'][language]}"
    parts = [
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head><body>",
        f"<header><h1>{escape(heading)}</h1><p>{escape(LINKS['scan'][language])}</p></header><main>\n",
        *(_card(link, language) for link in links),
        "</main></body></html>\n",
    ]
    return "".join(parts).encode()


def _card(link: Link, language: Language) -> str:
    role = role_word(link.role, language)
    picture = _code(link.url).svg_inline(omitsize=True)
    below = " · ".join(part for part in (link.branch, role) if part)
    return f"<article>{picture}<b>{escape(link.name)}</b><small>{escape(below)}</small></article>\n"


def _code(url: str) -> segno.QRCode:
    return segno.make_qr(url, error="m")
