"""The city that people live in now (流入地), as clerks write it, made one name: 陕西省西安市 and 西安 are one.

Only what the writing itself says is used, no list of cities: a province before it and a district behind it go, and so
does the word for city. Municipalities are cities. What cannot be read so stays as it was written.
"""

from __future__ import annotations

import re
import unicodedata

MUNICIPALITIES = ("北京", "上海", "天津", "重庆")
ALONE = {"香港": "香港", "澳门": "澳门", "澳門": "澳门"}
PROVINCES = (
    "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南",
    "广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海", "台湾", "内蒙古", "广西", "西藏", "宁夏", "新疆",
)  # fmt: skip

_BLANK = re.compile(r"[\s　·.,，、/\\|_-]+")
_COUNTRY = re.compile(r"^(?:中华人民共和国|中国)")
_PROVINCE = re.compile(rf"^({'|'.join(PROVINCES)})(省|(?:壮族|回族|维吾尔)?自治区)?")
_CITY = re.compile(r"^(.{2,}?)(?:市|地区|盟|(?:.{1,3}族)*自治州)")
_NO_CITY = re.compile(r"^(?:市|州|县|区|.{1,3}族|$)")
"""What follows the name of a province where it is the name of a city: 吉林市, 海南藏族自治州."""
_NOTHING = frozenset({"", "无", "不详", "未知", "暂无", "没有", "none", "n/a", "na"})


def city_of(text: str | None) -> str | None:
    """The city's short name, a province's where no city is written, else the text; None where nothing is written."""
    plain = _BLANK.sub("", unicodedata.normalize("NFKC", text or ""))
    if plain.lower() in _NOTHING:
        return None
    if plain.isascii():
        return " ".join((text or "").split())
    plain = _COUNTRY.sub("", plain) or plain
    for name in MUNICIPALITIES:
        if plain.startswith(name):
            return name
    for written, name in ALONE.items():
        if plain.startswith(written):
            return name
    province = _PROVINCE.match(plain)
    if province is not None:
        rest = plain[province.end() :]
        if province[2] is None and rest and _NO_CITY.match(rest):
            rest = plain
        if not rest:
            return province[1]
        plain = rest
    city = _CITY.match(plain)
    return plain if city is None else city[1]
