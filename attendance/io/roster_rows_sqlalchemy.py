"""Rows of the roster into what they mean and back: opens and seals numbers, so it takes CPU and runs in an executor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row

from attendance.io.phone_cryptography import PhoneVault
from attendance.roster import BranchPath, Invitation, Listed, Member, Role
from attendance.sheet import phone
from attendance.sheet.placing import beside, placed
from attendance.sheet.preview import DEPTH, Known, Person, Preview, Refused, Turned, compare, missing, refuse
from attendance.sheet.reasons import Language

SEPARATOR = " / "

ORDER = {Role.LECTURER: 0, Role.HOST: 1, Role.GUEST: 2, Role.MEMBER: 3}
"""In which order people of a lecture are listed."""


class Prepared(msgspec.Struct, frozen=True):
    """What the executor found: the preview, and the rows to write, which lack only their branch's number."""

    preview: Preview
    added: list[tuple[Person, dict[str, Any]]]
    changed: list[tuple[Person, dict[str, Any]]]


class Asked(msgspec.Struct, frozen=True):
    """What is asked of an import, and what the roster is like. `invited`: roles in the lecture, by member. `guarded`:
    roles that this asker takes from nobody. `unread`: names in rows that could not be read."""

    scope: BranchPath
    language: Language
    paths: frozenset[BranchPath] = frozenset()
    invited: dict[str, str] = {}
    guarded: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


def prepare(
    vault: PhoneVault,
    new_id: Callable[[], str],
    now: int,
    people: Sequence[Person],
    known: Sequence[Row[Any]],
    asked: Asked,
) -> Prepared:
    inside, refused, moved = _inside(people, asked)
    numbers = {(one.name, vault.digest(one.phone)): one for one in inside if one.phone is not None}
    opened: list[Known] = []
    elsewhere: set[int] = set()
    for row in known:
        branch = split_path(row.path)
        same = numbers.get((row.name, row.phone_digest))
        if branch[: len(asked.scope)] == asked.scope or (same is not None and not branch):
            opened.append(_known(vault, row, branch))
        elif same is not None:
            elsewhere.add(id(same))
    refused += [_refused(one, "elsewhere", asked, name=one.name) for one in inside if id(one) in elsewhere]
    found = compare([one for one in inside if id(one) not in elsewhere], opened, asked.language)
    found, denied = _unguarded(found, asked)
    refusals = (*refused, *denied, *found.refused)
    names = asked.unread | {one.name for one in refusals}
    found = msgspec.structs.replace(
        found,
        refused=tuple(sorted(refusals, key=lambda refusal: refusal.line)),
        missing=missing(found, [one for one in opened if one.branch], names, asked.scope),
        turned=_turned(found, asked),
        placed=moved,
    )
    return _rows(vault, new_id, now, found)


def _inside(people: Sequence[Person], asked: Asked) -> tuple[list[Person], list[Refused], int]:
    """Those within the scope, the others refused, and how many were put below it."""
    if not asked.scope:
        return list(people), [], 0
    others = beside(asked.paths, asked.scope)
    inside: list[Person] = []
    refused: list[Refused] = []
    moved = 0
    for one in people:
        path = placed(one.branch, asked.scope, others) if one.branch else None
        if path is None or len(path) > DEPTH:
            refused.append(_refused(one, "outside", asked))
        else:
            moved += path != one.branch
            inside.append(one if path == one.branch else msgspec.structs.replace(one, branch=path))
    return inside, refused, moved


def _unguarded(found: Preview, asked: Asked) -> tuple[Preview, list[Refused]]:
    """Without rows that would take a role from somebody who holds it by another's right."""
    held = {
        each.id
        for each in (*found.changed, *found.unchanged)
        if (role := asked.invited.get(each.id)) in asked.guarded and each.person.role not in (None, role)
    }
    if not held:
        return found, []
    refused = [
        _refused(each.person, "role-held", asked, name=each.person.name)
        for each in (*found.changed, *found.unchanged)
        if each.id in held
    ]
    return msgspec.structs.replace(
        found,
        changed=tuple(each for each in found.changed if each.id not in held),
        unchanged=tuple(each for each in found.unchanged if each.id not in held),
    ), refused


def _turned(found: Preview, asked: Asked) -> tuple[Turned, ...]:
    return tuple(
        Turned(each.id, each.person.line, each.person.name, was, each.person.role)
        for each in (*found.changed, *found.unchanged)
        if each.person.role is not None and (was := asked.invited.get(each.id, each.person.role)) != each.person.role
    )


def _refused(one: Person, word: str, asked: Asked, **values: object) -> Refused:
    return refuse(one, word, asked.language, **values)


def _known(vault: PhoneVault, row: Row[Any], branch: BranchPath) -> Known:
    number = None if row.phone is None else vault.open(row.id, row.phone)
    return Known(row.id, row.name, branch, number, row.city, told(row.extra), row.left is not None)


def _rows(vault: PhoneVault, new_id: Callable[[], str], now: int, found: Preview) -> Prepared:
    added: list[tuple[Person, dict[str, Any]]] = []
    for one in found.added:
        identity = new_id()
        sealed, digest = _seal(vault, identity, one.phone)
        row = {
            "id": identity,
            "name": one.name,
            "phone": sealed,
            "phone_digest": digest,
            "added": now,
            "city": one.city,
            "extra": written(one.extra),
            "left": None,
        }
        added.append((one, row))
    changed: list[tuple[Person, dict[str, Any]]] = []
    for each in found.changed:
        sealed, digest = _seal(vault, each.id, each.person.phone)
        person, before = each.person, each.before
        known_extra = {} if before is None else before.extra
        row = {
            "key": each.id,
            "sealed": sealed,
            "digested": digest,
            "lives": person.city or (before.city if before is not None else None),
            "more": written({**known_extra, **person.extra}),
        }
        changed.append((person, row))
    return Prepared(found, added, changed)


def told(extra: str | None) -> dict[str, str]:
    """What is stored of a spreadsheet's other columns."""
    return {} if extra is None else msgspec.json.decode(extra, type=dict[str, str])


def written(extra: dict[str, str]) -> str | None:
    return msgspec.json.encode(extra).decode() if extra else None


def _seal(vault: PhoneVault, member: str, number: str | None) -> tuple[bytes | None, bytes | None]:
    return (None, None) if number is None else (vault.seal(member, number), vault.digest(number))


def in_order(vault: PhoneVault, rows: Sequence[Row[Any]]) -> list[Invitation]:
    people = [invitation(vault, row) for row in rows]
    return sorted(people, key=lambda one: (ORDER[one.role], one.member.branch, one.member.name, one.member.id))


def listed(vault: PhoneVault, row: Row[Any]) -> Listed:
    shown = None if row.phone is None else phone.mask(vault.open(row.id, row.phone))
    return Listed(row.id, row.name, split_path(row.path), shown, row.city, told(row.extra), row.left)


def invitation(vault: PhoneVault, row: Row[Any]) -> Invitation:
    shown = None if row.phone is None else phone.mask(vault.open(row.id, row.phone))
    member = Member(row.id, row.name, split_path(row.path), shown, row.city)
    return Invitation(row.lecture, member, row.role, row.serial)


def split_path(path: str) -> BranchPath:
    """As stored → its parts; "" is the root."""
    return tuple(path.split(SEPARATOR)) if path else ()
