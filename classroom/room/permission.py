"""Who may say what in a room: which right each message needs."""

from __future__ import annotations

from typing import get_args

from classroom.people.role import BACKSTAGE, ORGANIZER, rights
from classroom.room.inputs import Person
from classroom.room.messages import Command
from classroom.room.messages_stage import (
    Call,
    CallSignIn,
    Extend,
    LowerHand,
    Next,
    PutOn,
    RaiseHand,
    SetLayout,
    Signed,
    StageMessage,
    TakeOff,
    Talkback,
)
from classroom.room.messages_talk import (
    Ask,
    Bar,
    ClosePoll,
    Delete,
    MoveQuestion,
    Mute,
    MuteAll,
    OpenPoll,
    Pin,
    Say,
    SetWords,
    Slow,
    TalkMessage,
    Vote,
)

TALK_AND_STAGE = frozenset(get_args(TalkMessage | StageMessage))
"""What nobody says any more when the lecture is over."""

NEEDED: dict[type, str] = {
    Command: "move",
    **dict.fromkeys((Say, Ask), "chat"),
    **dict.fromkeys((Vote, RaiseHand, Signed), "counted"),
    **dict.fromkeys(
        (Delete, Pin, MoveQuestion, Mute, MuteAll, Slow, Bar, SetWords, OpenPoll, ClosePoll),
        "moderate",
    ),
    **dict.fromkeys((LowerHand, Call, PutOn, TakeOff, Next, SetLayout, Extend, Talkback, CallSignIn), "direct"),
}
"""The right that a message needs, a field of `role.Rights`; whatever is not here everybody may say."""


def permitted(role: str, message: type) -> bool:
    needed = NEEDED.get(message)
    return needed is None or bool(getattr(rights(role), needed))


def invited(role: str) -> bool:
    """Came by a personal link, and stands in the ledger; staff in the console do not."""
    return bool(rights(role).watch)


def sees_audience(role: str) -> bool:
    """Lecturer, host, guests and the console: they see how many watch."""
    return rights(role).oversee or BACKSTAGE in rights(role).watch


def scope_of(person: Person) -> str:
    """Whose figures are told: an organizer's branch; "" is everybody's."""
    return person.branch if person.role == ORGANIZER else ""
