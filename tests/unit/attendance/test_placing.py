"""Where the branches of an organizer's own file stand."""

from __future__ import annotations

import pytest

from attendance.roster import BranchPath
from attendance.sheet.placing import beside, placed

ZHENBA: BranchPath = ("镇巴县",)
JINGYANG: BranchPath = ("镇巴县", "泾洋街道")
TREE = [(), ZHENBA, ("西乡县",), ("西乡县", "城关党支部"), JINGYANG, ("镇巴县", "永乐镇"), ("机关",)]


@pytest.mark.parametrize(
    ("path", "scope", "found"),
    [
        (("镇巴县", "泾洋街道党支部"), ZHENBA, ("镇巴县", "泾洋街道党支部")),
        (("泾洋街道党支部",), ZHENBA, ("镇巴县", "泾洋街道党支部")),
        (("镇巴", "泾洋街道党支部"), ZHENBA, ("镇巴县", "泾洋街道党支部")),
        (("泾洋社区", "一支部"), ZHENBA, ("镇巴县", "泾洋社区", "一支部")),
        (("西乡县", "城关党支部"), ZHENBA, None),
        (("洋县", "城关党支部"), ZHENBA, None),
        (("高新区",), ZHENBA, None),
        (("机关", "一支部"), ZHENBA, None),
        (("泾洋街道", "一支部"), JINGYANG, ("镇巴县", "泾洋街道", "一支部")),
        (("一支部",), JINGYANG, ("镇巴县", "泾洋街道", "一支部")),
        (("镇巴县", "永乐镇"), JINGYANG, None),
        (("永乐镇", "一支部"), JINGYANG, None),
        (("西乡县",), JINGYANG, None),
        (("西乡县",), (), ("西乡县",)),
    ],
)
def test_a_path_goes_below_the_organizers_branch_unless_it_names_another(
    path: BranchPath, scope: BranchPath, found: BranchPath | None
) -> None:
    assert placed(path, scope, beside(TREE, scope)) == found
