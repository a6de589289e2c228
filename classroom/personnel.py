"""Whoever signs in with a password: made, bound to a branch of the tree, given another password, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from attendance.ports import Clock
from attendance.roster import BranchPath
from attendance.sheet import preview
from classroom.errors import UserError
from classroom.people.staff import NAME_LENGTH, PASSWORD_LENGTHS, StaffMember
from classroom.ports import StaffInfo
from classroom.times import moment


class Staff(Protocol):
    async def add(self, member: StaffMember, password: str, created: int) -> None: ...

    async def all(self) -> list[tuple[StaffMember, int]]:
        """By name, each with when it was made (µs)."""

    async def change(self, member: StaffMember, password: str | None, sign_out: bool) -> None:
        """`password` is a hash; None: it stays. `sign_out`: what they have open ends."""

    async def remove(self, member: str) -> None: ...


class Passwords(Protocol):
    async def hash(self, password: str) -> str: ...


class Tree(Protocol):
    async def paths(self) -> Sequence[BranchPath]:
        """Every branch there is."""


class Personnel:
    """`by` is whose doing it is, a staff id (None: the command line). Raises `UserError`."""

    def __init__(
        self, *, staff: Staff, passwords: Passwords, tree: Tree, clock: Clock, new_id: Callable[[], str]
    ) -> None:  # fmt: skip
        self._staff = staff
        self._passwords = passwords
        self._tree = tree
        self._clock = clock
        self._new_id = new_id

    async def all(self) -> list[StaffInfo]:
        return [_info(member, created) for member, created in await self._staff.all()]

    async def create(self, name: str, password: str, branch: BranchPath = ()) -> StaffInfo:
        """An organizer of a branch and all below it; () is the city: an operator. Before there is any branch, any name
        of one is taken."""
        member = StaffMember(self._new_id(), _named(name), await self._placed(branch))
        hashed, now = await self._hashed(password), self._clock.now()
        await self._staff.add(member, hashed, now)
        return _info(member, now)

    async def change(
        self,
        chosen: str,
        name: str | None = None,
        branch: BranchPath | None = None,
        password: str | None = None,
        by: str | None = None,
    ) -> StaffInfo:
        """What is None stays. Another password or branch ends what they have open: they sign in again."""
        member, created = await self._find(chosen)
        changed = StaffMember(
            member.id,
            member.name if name is None else _named(name),
            member.branch if branch is None else await self._placed(branch),
        )
        if changed.branch and not member.branch:
            await self._not_the_last(member, by)
        hashed = None if password is None else await self._hashed(password)
        await self._staff.change(changed, hashed, sign_out=hashed is not None or changed.branch != member.branch)
        return _info(changed, created)

    async def remove(self, chosen: str, by: str | None = None) -> StaffInfo:
        """Signed out at once; what they did stays in the audit."""
        member, created = await self._find(chosen)
        await self._not_the_last(member, by)
        await self._staff.remove(member.id)
        return _info(member, created)

    async def _find(self, chosen: str) -> tuple[StaffMember, int]:
        found = next((one for one in await self._staff.all() if chosen in (one[0].id, one[0].name)), None)
        if found is None:
            raise UserError("no-such-staff", chosen[:64])
        return found

    async def _not_the_last(self, member: StaffMember, by: str | None) -> None:
        """Nobody shuts themselves out, and somebody stays who may let others in (the command line always may)."""
        if by is None:
            return
        if member.id == by:
            raise UserError("not-yourself")
        operators = [one.id for one, _ in await self._staff.all() if not one.branch]
        if operators == [member.id]:
            raise UserError("last-operator")

    async def _placed(self, branch: BranchPath) -> BranchPath:
        path = tuple(preview.tidy(part) for part in branch)
        paths = set(await self._tree.paths()) if path else set()
        if paths - {()} and path not in paths:
            raise UserError("no-such-branch", " / ".join(path)[:200])
        return path

    async def _hashed(self, password: str) -> str:
        shortest, longest = PASSWORD_LENGTHS
        if not shortest <= len(password) <= longest:
            raise UserError("weak-password")
        return await self._passwords.hash(password)


def _named(name: str) -> str:
    name = preview.tidy(name)
    if not 0 < len(name) <= NAME_LENGTH:
        raise UserError("bad-staff-name")
    return name


def _info(member: StaffMember, created: int) -> StaffInfo:
    return StaffInfo(member.id, member.name, " / ".join(member.branch), moment(created))
