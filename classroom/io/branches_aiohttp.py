"""`/api/branches`: the tree of branches, and what operators do to it."""

from __future__ import annotations

from typing import Protocol

import msgspec
from aiohttp import web

from attendance.io.roster_branches_sqlalchemy import BranchCount
from attendance.roster import BranchPath
from classroom.io.answer_aiohttp import json_answer, problems, read_json
from classroom.io.lectures_aiohttp import scope_of
from classroom.io.session_aiohttp import NOTED, Guard
from classroom.registrar import Registrar


class Rename(msgspec.Struct, forbid_unknown_fields=True):
    branch: str
    name: str


class Merge(msgspec.Struct, forbid_unknown_fields=True):
    branch: str
    into: str


class BranchView(msgspec.Struct, frozen=True):
    """Counted are those directly in it."""

    branch: str
    members: int
    left: int


class Tree(Protocol):
    async def branches_of(self, scope: BranchPath = ()) -> list[BranchCount]: ...


class BranchHandlers:
    def __init__(self, registrar: Registrar, tree: Tree, guard: Guard) -> None:
        self._registrar = registrar
        self._tree = tree
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/branches", problems(self.index)),
            web.post("/api/branches/rename", problems(self.rename)),
            web.post("/api/branches/merge", problems(self.merge)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "console")
        found = await self._tree.branches_of(scope_of(request, staff.branch))
        return json_answer([BranchView(" / ".join(one.path), one.members, one.left) for one in found])

    async def rename(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "plan")
        asked = await read_json(request, Rename)
        change = await self._registrar.rename(asked.branch, asked.name, staff.id or None)
        request[NOTED] = f"{asked.branch} → {asked.name}"
        return json_answer({"change": change})

    async def merge(self, request: web.Request) -> web.StreamResponse:
        staff = await self._guard.staff(request, "plan")
        asked = await read_json(request, Merge)
        change = await self._registrar.merge(asked.branch, asked.into, staff.id or None)
        request[NOTED] = f"{asked.branch} → {asked.into}"
        return json_answer({"change": change})
