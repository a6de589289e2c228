"""Why a row is refused, in sentences that say what to do."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

SENTENCES: dict[str, dict[Language, str]] = {
    "in-sheet": {"zh": "工作表「{sheet}」：", "en": "Sheet “{sheet}”: "},
    "no-name": {"zh": "没有写姓名，请补上。", "en": "The name is missing; add it."},
    "bad-name": {
        "zh": "姓名无法识别，请写文字，不超过 {limit} 个字。",
        "en": "This is not a name; write letters, at most {limit}.",
    },
    "bad-phone": {
        "zh": "手机号码不对，应为 11 位数字（固定电话带区号，境外号码以 + 开头）；不填也可以。",
        "en": "This is not a telephone number: 11 digits (a landline with its area code, a foreign one with +); "
        "it may be left empty.",
    },
    "no-branch": {"zh": "没有写所在支部，请补上。", "en": "The branch is missing; add it."},
    "bad-branch": {
        "zh": "支部名称太长或层级太多：最多 {depth} 级，每级不超过 {limit} 个字。",
        "en": "The branch is too long or too deep: at most {depth} levels of {limit} characters.",
    },
    "bad-role": {
        "zh": "不认识角色「{role}」，请写：主讲人、主持人、嘉宾 或 成员。",
        "en": "Unknown role “{role}”; write lecturer, host, guest or member.",
    },
    "duplicate": {"zh": "与第 {line} 行重复，只计一次。", "en": "Repeats line {line}; counted once."},
    "two-branches": {
        "zh": "第 {line} 行也有同一手机号的「{name}」，但支部不同；请只保留一行。",
        "en": "Line {line} has {name} with the same number in another branch; keep one of the two.",
    },
    "namesake": {
        "zh": "第 {line} 行的同一支部也有「{name}」：若是两个人，请都填上手机号以便区分；若是同一人，请删去一行。",
        "en": "Line {line} has {name} in the same branch too: if these are two people, give both a telephone number; "
        "if one, delete a line.",
    },
    "namesakes-known": {
        "zh": "花名册里这个支部有几位「{name}」，请填手机号，说明是哪一位。",
        "en": "The roster has several people named {name} in this branch; give the telephone number of the one meant.",
    },
    "role-not-yours": {
        "zh": "主讲人和主持人由上级组织指定；请删去这一行的角色，或交由上级组织导入。",
        "en": "Lecturer and host are named by the organizer above you: leave the role out, or ask them to import it.",
    },
    "outside": {
        "zh": "不在您管理的支部之内，请交由上级组织导入。",
        "en": "Outside the branch that you manage; ask the organizer above you to import it.",
    },
}


def sentence(word: str, language: Language, **values: object) -> str:
    """The sentence for a word of the table."""
    return SENTENCES[word][language].format(**values)
