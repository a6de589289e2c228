"""Under which name an export is saved."""

from __future__ import annotations

import datetime
import re

from attendance.report import CHINA
from attendance.roster import BranchPath
from attendance.words import Language

UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
"""What Windows does not take in a file's name."""
LONGEST = 180
"""Bytes of the title; a file's name may have 255."""


def file_name(title: str, starts: datetime.datetime | None, scope: BranchPath, language: Language) -> str:
    """云端课堂_2026-11-22_抚宁区_考勤: title, day in China, branch, what it is; without what no file's name holds."""
    day = "" if starts is None else starts.astimezone(CHINA).date().isoformat()
    short = title.encode()[:LONGEST].decode(errors="ignore")
    parts = (short, day, *scope[-1:], "attendance" if language == "en" else "考勤")
    return "_".join(UNFIT.sub("-", part) for part in parts if part)


def year_file_name(year: int, scope: BranchPath, language: Language) -> str:
    """2026_抚宁区_年度学时"""
    parts = (str(year), *scope[-1:], "credit hours" if language == "en" else "年度学时")
    return "_".join(UNFIT.sub("-", part) for part in parts)
