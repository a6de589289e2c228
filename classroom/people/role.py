"""Who may do what: one table."""

from __future__ import annotations

import msgspec

from attendance.roster import Role

OPERATOR = "operator"
ORGANIZER = "organizer"

AUDIENCE = ("lecturer", "screen", "host", "guest")
BACKSTAGE = "backstage"


class Rights(msgspec.Struct, frozen=True):
    """What a role may do. Organizers and operators act from the console, without a ticket."""

    publish: tuple[str, ...] = ()  # slots
    watch: tuple[str, ...] = ()  # slots, in the order of a viewer's lines
    chat: bool = False
    move: bool = False  # start and end a lecture
    direct: bool = False  # run the stage: call, put on, layouts, sign-ins
    moderate: bool = False  # keep order in chat and questions; polls
    oversee: bool = False  # see hands, questions that wait, the running order, who is muted
    counted: bool = False  # their attendance is what the report is about
    gather: bool = False  # run a site of collective viewing that names them its host
    console: bool = False  # lectures, roster, links, live list, export: within their branch
    plan: bool = False  # create lectures and staff


RIGHTS: dict[str, Rights] = {
    OPERATOR: Rights(chat=True, move=True, direct=True, moderate=True, oversee=True, console=True, plan=True),
    ORGANIZER: Rights(chat=True, oversee=True, console=True),
    Role.LECTURER: Rights(
        publish=("lecturer", "screen"),
        watch=(*AUDIENCE, BACKSTAGE),
        chat=True,
        move=True,
        direct=True,
        moderate=True,
        oversee=True,
    ),
    Role.HOST: Rights(
        publish=("host", "screen"),
        watch=(*AUDIENCE, BACKSTAGE),
        chat=True,
        move=True,
        direct=True,
        moderate=True,
        oversee=True,
    ),
    Role.GUEST: Rights(publish=("guest",), watch=(*AUDIENCE, BACKSTAGE), chat=True),
    Role.MEMBER: Rights(watch=AUDIENCE, chat=True, counted=True, gather=True),
}

NOTHING = Rights()


def rights(role: str) -> Rights:
    """An unknown role may nothing."""
    return RIGHTS.get(role, NOTHING)


def may_publish(role: str, slot: str) -> bool:
    return slot in rights(role).publish


def viewer_slots(role: str) -> tuple[str, ...]:
    """What a viewer of this role is answered, in the order of its lines; () may not watch."""
    return rights(role).watch
