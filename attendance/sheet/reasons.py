"""Why a row is refused, in sentences that say what to do."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

SENTENCES: dict[str, dict[Language, str]] = {
    "in-sheet": {"zh": "工作表「{sheet}」：", "en": "Sheet “{sheet}”: "},
    "row": {"zh": "第 {line} 行", "en": "line {line}"},
    "row-of-sheet": {"zh": "工作表「{sheet}」第 {line} 行", "en": "line {line} of sheet “{sheet}”"},
    "no-name": {"zh": "没有写姓名，请补上。", "en": "The name is missing; add it."},
    "total-row": {"zh": "这是合计行，没有导入。", "en": "This line is a total; it was left out."},
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
    "duplicate": {"zh": "与{row}重复，只计一次。", "en": "Repeats {row}; counted once."},
    "two-branches": {
        "zh": "{row}也有同一手机号的「{name}」，但支部不同；请只保留一行。",
        "en": "{name} is in {row} too, with the same number in another branch; keep one of the two.",
    },
    "namesake": {
        "zh": "{row}的同一支部也有「{name}」：若是两个人，请都填上手机号以便区分；若是同一人，请删去一行。",
        "en": "{name} is in {row} too, in the same branch: if these are two people, give both a telephone number; "
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
    "role-held": {
        "zh": "「{name}」是上级组织指定的主讲人或主持人，这份文件不能改变；请删去这一行的角色，或交由上级组织导入。",
        "en": "{name} was named lecturer or host by the organizer above you: leave the role out, or ask them to import "
        "it.",
    },
    "outside": {
        "zh": "不在您管理的支部之内，请交由上级组织导入。",
        "en": "Outside the branch that you manage; ask the organizer above you to import it.",
    },
    "elsewhere": {
        "zh": "「{name}」（同一手机号）已在其他支部；请联系上级组织把此人调到您的支部，不必重复添加。",
        "en": "{name}, with this number, is in another branch already; ask the organizer above you to move them to "
        "yours.",
    },
    "city-column": {"zh": "流入地", "en": "city"},
    "sheet-without-headings": {
        "zh": "工作表 {sheets} 没有“姓名”和“支部”标题行，没有读取。",
        "en": "No headings for name and branch in the sheets {sheets}; they were not read.",
    },
    "columns-repeated": {
        "zh": "标题重复的列只保留第一列：{columns}。",
        "en": "Of columns with the same heading only the first is kept: {columns}.",
    },
    "columns-beyond": {
        "zh": "其他信息最多保留 {limit} 列，以下 {count} 列没有保留：{columns}。",
        "en": "At most {limit} further columns are kept; these {count} are not: {columns}.",
    },
    "columns-unkept": {
        "zh": "为保护隐私，以下列不保存：{columns}。",
        "en": "To protect privacy these columns are not stored: {columns}.",
    },
    "headings-cut": {
        "zh": "标题过长，只保留前 {length} 个字：{columns}。",
        "en": "These headings are long; their first {length} characters are kept: {columns}.",
    },
    "cells-cut": {
        "zh": "“{column}”一列有 {count} 行文字过长，只保留开头部分。",
        "en": "In the column “{column}” {count} cells are long; only their beginning is kept.",
    },
    "prefixed": {
        "zh": "有 {count} 行没有写上级组织，已归入「{branch}」。",
        "en": "{count} lines do not say what their branch belongs to; they go below {branch}.",
    },
}


def sentence(word: str, language: Language, **values: object) -> str:
    """The sentence for a word of the table."""
    return SENTENCES[word][language].format(**values)
