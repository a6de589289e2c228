"""One name for a city, however a clerk wrote it."""

from __future__ import annotations

import pytest

from attendance.sheet.city import city_of


@pytest.mark.parametrize(
    ("written", "city"),
    [
        ("西安", "西安"),
        ("西安市", "西安"),
        ("陕西省西安市", "西安"),
        ("陕西西安", "西安"),
        ("陕西省 西安市 雁塔区", "西安"),
        ("西安市雁塔区小寨路", "西安"),
        ("中国陕西省西安市", "西安"),
        ("北京", "北京"),
        ("北京市朝阳区", "北京"),
        ("重庆市万州区", "重庆"),
        ("广东省深圳市", "深圳"),
        ("广东深圳龙岗区", "深圳龙岗区"),  # no word says where the city's name ends
        ("江苏省苏州市昆山市", "苏州"),
        ("新疆维吾尔自治区乌鲁木齐市", "乌鲁木齐"),
        ("内蒙古自治区锡林郭勒盟", "锡林郭勒"),
        ("吉林市", "吉林"),
        ("吉林省吉林市", "吉林"),
        ("海南藏族自治州", "海南"),
        ("延边朝鲜族自治州", "延边"),
        ("四川省凉山彝族自治州西昌市", "凉山"),
        ("浙江省", "浙江"),
        ("浙江", "浙江"),
        ("香港特别行政区", "香港"),
        ("New  York", "New York"),
        ("日本东京", "日本东京"),
        ("　", None),
        ("无", None),
        ("—", "—"),
        (None, None),
    ],
)
def test_a_city_as_clerks_write_it(written: str | None, city: str | None) -> None:
    assert city_of(written) == city


def test_a_name_that_was_found_is_found_again() -> None:
    for written in ("陕西省西安市", "北京市朝阳区", "四川省凉山彝族自治州", "吉林市", "广西壮族自治区南宁市"):
        found = city_of(written)
        assert city_of(found) == found
