"""Which column is which: headings in Chinese and English, in any order, below a title or not.

Each kind has words that name it exactly and patterns that usually do; the exact word wins, then the earlier pattern,
then the column further left. "支部书记" is a person and "支部电话" a telephone, though both begin with a branch.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Sequence

import msgspec

from attendance.sheet.rows import Row

SEARCHED = 15
"""Rows at the top among which the headings are looked for: a title, a unit and a date may stand above them."""


class Kind(enum.StrEnum):
    NAME = "name"
    COUNTY = "county"
    COMMITTEE = "committee"
    BRANCH = "branch"
    PHONE = "phone"
    ROLE = "role"


class Columns(msgspec.Struct, frozen=True):
    """Indices into a row's cells. `branch`: from the top of the tree down, at least one."""

    name: int
    branch: tuple[int, ...]
    phone: int | None
    role: int | None
    below: int  # rows after this line are people


PATTERNS: dict[Kind, tuple[str, ...]] = {
    Kind.NAME: (
        r"姓名|名字|name|full name",
        r"(党员|人员|成员|学员|参会人员?|参训人员?|与会人员?|同志)(姓名|名字)|(member|participant|student) name",
        r"(党员|人员|成员|学员)名称|member|participant",
    ),
    Kind.COUNTY: (
        r"县区|区县|县|县市区|市县区|county|district",
        r"所[在属](县区|区县|县市区|县|区)|(县区|区县|县市区)名称?",
    ),
    Kind.COMMITTEE: (
        r"乡镇|镇街|镇办|街道|乡镇街道|镇街道|镇|党委|党工委|党总支|总支|committee|town|township",
        r"(所[在属]|上级)(乡镇|镇街|镇办|街道|党委|党工委|党总支|党组织)|.*(党委|党工委|党总支)(名称)?",
    ),
    Kind.BRANCH: (
        r"支部|党支部|branch|branch path|party branch",
        r"(所[在属]|隶属)?(党支部|支部)(名称|全称|路径)?|branch name",
        r".*支部(名称|全称)?",
        r"(所[在属])?(党组织|基层党组织|组织)(名称|全称|路径)?|组织关系(所在)?(支部|党支部)",
        r"(所[在属]|工作)?(单位|部门)(名称)?|unit|department|organi[sz]ation",
    ),
    Kind.PHONE: (
        r"手机|手机号|手机号码|mobile|mobile phone|mobile number|cell ?phone",
        r"(本人|个人)?(手机|移动电话)(号码?)?",
        r"电话|电话号码|联系电话|联系方式|phone|phone number|telephone|tel",
        r"(本人)?.*(电话|手机号?码?|联系方式)",
    ),
    Kind.ROLE: (r"角色|参会角色|讲座角色|role",),
}

_COMPILED = {kind: tuple(re.compile(pattern) for pattern in patterns) for kind, patterns in PATTERNS.items()}
_NOTE = re.compile(r"[(\[【〔].*?[)\]】〕]|[*:：※#]")
_HAN_GAP = re.compile(r"(?<=[㐀-鿿])\s+|\s+(?=[㐀-鿿])")


def plain(cell: str) -> str:
    """A heading without its ornaments: "* 姓　名（必填）" → "姓名", "Branch_Path" → "branch path"."""
    text = _NOTE.sub("", unicodedata.normalize("NFKC", cell)).strip().lower()
    return _HAN_GAP.sub("", re.sub(r"[\s_\-]+", " ", text).strip())


def fitness(kind: Kind, heading: str) -> int | None:
    """How well a plain heading names this kind: 0 is best, None not at all."""
    for rank, pattern in enumerate(_COMPILED[kind]):
        if pattern.fullmatch(heading):
            return rank
    return None


def recognize(cells: Sequence[str]) -> dict[Kind, int]:
    """The column of each kind that these headings name."""
    headings = [plain(cell) for cell in cells]
    found: dict[Kind, int] = {}
    for kind in Kind:
        ranked = [
            (rank, index) for index, heading in enumerate(headings) if (rank := fitness(kind, heading)) is not None
        ]
        ranked = [(rank, index) for rank, index in ranked if index not in found.values()]
        if ranked:
            found[kind] = min(ranked)[1]
    return found


def find(rows: Sequence[Row]) -> Columns | None:
    """The headings among the first rows; None where no row names a person's name and a branch."""
    for row in rows[:SEARCHED]:
        found = recognize(row.cells)
        branch = tuple(found[kind] for kind in (Kind.COUNTY, Kind.COMMITTEE, Kind.BRANCH) if kind in found)
        if Kind.NAME in found and branch:
            return Columns(found[Kind.NAME], branch, found.get(Kind.PHONE), found.get(Kind.ROLE), row.line)
    return None


def lacking(rows: Sequence[Row]) -> Kind:
    """What the best row of headings lacks, where `find` found none."""
    names = any(Kind.NAME in recognize(row.cells) for row in rows[:SEARCHED])
    return Kind.BRANCH if names else Kind.NAME
