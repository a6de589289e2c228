"""Where in the tree a file's branches stand that an organizer of one branch sends in: their files seldom repeat it."""

from __future__ import annotations

import re
from collections.abc import Collection

from attendance.roster import BranchPath

_ENDING = re.compile(r"(?:自治县|县|区|市|旗)$")
_COUNTY = re.compile(r".+(?:县|(?<![社小园校厂景矿牧林片街开发])区|市|旗)$")
"""Names of counties, not of communities (社区), campuses or estates."""


def placed(path: BranchPath, scope: BranchPath, others: Collection[str]) -> BranchPath | None:
    """The path from the top; None: it names a branch outside `scope`.

    A path that begins within `scope` ("泾洋街道党支部" of an organizer of 镇巴县) goes below it. `others`: names of the
    branches beside `scope` and beside what is above it.
    """
    if path[: len(scope)] == scope:
        return path
    for depth in range(min(len(scope), len(path)), 0, -1):
        if all(map(_same, scope[-depth:], path[:depth])):
            return (*scope, *path[depth:])
    first = path[0]
    if first in others or first in scope or _COUNTY.fullmatch(first):
        return None
    return (*scope, *path)


def _same(known: str, written: str) -> bool:
    """ "镇巴" is 镇巴县."""
    return known == written or (len(written) > 1 and _ENDING.sub("", known) == written)


def beside(paths: Collection[BranchPath], scope: BranchPath) -> frozenset[str]:
    """Names of branches that share a parent with `scope` or with something above it."""
    return frozenset(
        path[depth]
        for path in paths
        for depth in range(len(scope))
        if len(path) > depth and path[:depth] == scope[:depth] and path[depth] != scope[depth]
    )
