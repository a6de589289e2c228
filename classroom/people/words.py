"""Words for roles and for the headings of lists of links."""

from __future__ import annotations

from attendance.roster import Role
from classroom.ports import Language

ROLES: dict[str, dict[Language, str]] = {
    Role.LECTURER: {"zh": "主讲人", "en": "Lecturer"},
    Role.HOST: {"zh": "主持人", "en": "Host"},
    Role.GUEST: {"zh": "嘉宾", "en": "Guest"},
    Role.MEMBER: {"zh": "成员", "en": "Member"},
}

LINKS: dict[str, dict[Language, str]] = {
    "sheet": {"zh": "入场链接", "en": "Links"},
    "name": {"zh": "姓名", "en": "Name"},
    "branch": {"zh": "支部", "en": "Branch"},
    "role": {"zh": "角色", "en": "Role"},
    "link": {"zh": "入场链接（只限本人使用）", "en": "Personal link (for this person only)"},
    "scan": {
        "zh": "用微信或手机浏览器扫码入场，只限本人使用",
        "en": "Scan to enter; for this person only",
    },
    "title": {"zh": "入场二维码", "en": "QR codes"},
}


def role_word(role: str, language: Language) -> str:
    return ROLES[role][language] if role in ROLES else role
