"""Which column is which: headings in Chinese and English, in any order, below a title or not.

Each kind has words that name it exactly and patterns that usually do; the exact word wins, then the earlier pattern,
then the column further left. "支部书记" is a person and "支部电话" a telephone, though both begin with a branch.

Headings may take two rows ("所在党组织" above "县区" and "支部"): the lower word says what a column is, the upper one
where the lower is blank. They may come again below, where pages were printed or sheets pasted together.
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
    CITY = "city"


BRANCHES = (Kind.COUNTY, Kind.COMMITTEE, Kind.BRANCH)
"""Of these at least one, from the top of the tree down."""


class Columns(msgspec.Struct, frozen=True):
    """Indices into a row's cells. `branch`: from the top of the tree down, at least one."""

    name: int
    branch: tuple[int, ...]
    phone: int | None
    role: int | None
    below: int  # rows after this line are people
    city: int | None = None
    others: tuple[tuple[str, int], ...] = ()  # headings that say something else, as written, and their columns
    repeated: tuple[str, ...] = ()  # such a heading of a further column, which is not kept
    beyond: tuple[str, ...] = ()  # headings beyond the first OTHERS
    cut: tuple[str, ...] = ()  # headings of which the first HEADING_LENGTH characters are kept
    unkept: tuple[str, ...] = ()  # headings of what has no place here: identity numbers, relatives' telephones


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
        r"(?!.*(家属|亲属|紧急|配偶|父|母|监护|书记|支部)).*(电话|手机号?码?|联系方式)",
    ),
    Kind.ROLE: (r"角色|参会角色|讲座角色|role",),
    Kind.CITY: (
        r"流入地|流入城市|city|lives in",
        r"(现|目前)?(居住|工作|务工|从业|流入|外出)(地点?|城市|所在地|地址)|流入地(城市|名称)|所在城市|residence",
        r".*流入地.*|.*(居住|务工|外出)(地|城市).*|city .*",
    ),
}

UNKEPT = re.compile(
    r".*(身份证|证件号|公民身份|密码|银行卡|电话|手机|联系方式).*"
    r"|phone.*|.*telephone.*|id ?(card|number|no)|passport.*|password"
)
"""Columns that a roster here has no use for and that do harm where they leak, or would have to be sealed: not kept."""
COUNTERS = re.compile(r"序号|编号|行号|no|#|index")
OTHERS = 20
HEADING_LENGTH = 40

_COMPILED = {kind: tuple(re.compile(pattern) for pattern in patterns) for kind, patterns in PATTERNS.items()}
_EXACT = {
    kind: tuple(form for form in forms[: 2 if kind is Kind.NAME else None] if ".*" not in form.pattern)
    for kind, forms in _COMPILED.items()
}
_NOTE = re.compile(r"[(\[【〔].*?[)\]】〕]|[*:：※#]")
_HAN_GAP = re.compile(r"(?<=[㐀-鿿])\s+|\s+(?=[㐀-鿿])")


class _Others(msgspec.Struct):
    named: dict[str, int] = {}
    repeated: list[str] = []
    cut: list[str] = []
    unkept: list[str] = []


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
    for at, row in enumerate(rows[:SEARCHED]):
        found = columns(row, rows[at + 1] if at + 1 < len(rows) else None)
        if found is not None:
            return found
    return None


def again(row: Row, below: Row | None) -> bool:
    """The row says headings, and no person: its cells name a name and something else as exactly as headings do."""
    if not _hints(row) and (below is None or not _hints(below)):
        return False
    named = {kind for kind in Kind if _exact(row.cells, kind)}
    return (Kind.NAME in named and len(named) > 1) or (below is not None and _joined(row, below) is not None)


def _hints(row: Row) -> bool:
    """Cheap: of a hundred thousand rows almost none says headings."""
    return any("名" in cell or "name" in cell.lower() for cell in row.cells)


def columns(row: Row, below: Row | None) -> Columns | None:
    """What this row (with the one below it, where headings take two) names; None: not all that is needed."""
    if below is not None and (both := _joined(row, below)) is not None:
        return _columns(recognize(both), both, _full(row.cells, both), below.line)
    return _columns(recognize(row.cells), row.cells, row.cells, row.line)


def _columns(found: dict[Kind, int], cells: Sequence[str], full: Sequence[str], below: int) -> Columns | None:
    """`full`: the headings with the group that they stand under."""
    branch = tuple(found[kind] for kind in BRANCHES if kind in found)
    if Kind.NAME not in found or not branch:
        return None
    others = _others(cells, full, set(found.values()))
    return Columns(
        found[Kind.NAME],
        branch,
        found.get(Kind.PHONE),
        found.get(Kind.ROLE),
        below,
        found.get(Kind.CITY),
        tuple(others.named.items())[:OTHERS],
        tuple(others.repeated),
        tuple(others.named)[OTHERS:],
        tuple(others.cut),
        tuple(others.unkept),
    )


def _joined(upper: Row, lower: Row) -> tuple[str, ...] | None:
    """Two rows as one row of headings; None where the lower is none: it says no heading exactly, or a name."""
    width = max(len(upper.cells), len(lower.cells))
    above, below = _wide(upper.cells, width), _wide(lower.cells, width)
    said = tuple("" if plain(down) == plain(up) else down for up, down in zip(above, below, strict=True))
    exact = {kind for kind in Kind if _exact(said, kind)}
    if not exact:
        return None
    together = tuple(down or up for up, down in zip(above, said, strict=True))
    if _exact(above, Kind.NAME):
        name = recognize(above)[Kind.NAME]
        return together if not said[name] and exact - {Kind.NAME} else None
    lacks = not any(kind in recognize(below) for kind in BRANCHES)
    return together if Kind.NAME in exact and lacks and any(_exact(above, kind) for kind in BRANCHES) else None


def _full(upper: Sequence[str], both: Sequence[str]) -> tuple[str, ...]:
    """Headings of two rows with the group above them, which stands above its first column only."""
    full: list[str] = []
    group = ""
    for up, heading in zip(_wide(upper, len(both)), both, strict=True):
        group = up or group
        full.append(heading if plain(up) == plain(heading) or not heading else f"{group} {heading}".strip())
    return tuple(full)


def _wide(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells, *[""] * (width - len(cells)))


def _exact(cells: Sequence[str], kind: Kind) -> bool:
    """A cell says what only a heading does: somebody may be in "城关党支部" or a "member", nobody in "党支部名称"."""
    texts = [plain(cell) for cell in cells]
    return any(pattern.fullmatch(text) for pattern in _EXACT[kind] for text in texts)


def _others(cells: Sequence[str], full: Sequence[str], known: set[int]) -> _Others:
    """Columns with a heading of their own that no kind claims; the first of each heading."""
    found = _Others()
    for index, cell in enumerate(cells):
        if index in known or not plain(cell) or COUNTERS.fullmatch(plain(cell)):
            continue
        whole = plain(full[index])
        heading = whole[:HEADING_LENGTH]
        if UNKEPT.fullmatch(heading):
            found.unkept.append(heading)
        elif heading in found.named:
            found.repeated.append(heading)
        else:
            found.named[heading] = index
            found.cut.extend([heading] if heading != whole else [])
    return found


def lacking(rows: Sequence[Row]) -> Kind:
    """What the best row of headings lacks, where `find` found none."""
    names = any(Kind.NAME in recognize(row.cells) for row in rows[:SEARCHED])
    return Kind.BRANCH if names else Kind.NAME
