"""What members write: cleaned, limited per member and per room, each key said once, the last 50 kept.

Text is shown to everybody, so what could disturb other lines is taken out: control characters, characters that turn
the direction of writing (UAX #9), invisible ones, and stacks of combining marks beyond what any script needs.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict, deque

from classroom.errors import UserError
from classroom.room.actions import Action, Broadcast
from classroom.room.bucket import Bucket, Buckets
from classroom.room.inputs import Person
from classroom.room.messages import Chat, Say, moment

HISTORY = 50
KEYS = 1_000
MEMBER_RATE, MEMBER_BURST = 0.5, 5.0
ROOM_RATE, ROOM_BURST = 30.0, 90.0
MEMBERS = 20_000
MARKS = 3

DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = frozenset("\u00ad\u180e\u200b\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\ufffa\ufffb")
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn"})


def clean(text: str) -> str:
    """The text as others may see it: one line, NFC. Emoji sequences (U+200D, variation selectors) stay whole."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        if character in "\n\r\t":
            character = " "
        category = unicodedata.category(character)
        if category in REFUSED_CATEGORIES or character in DIRECTION or character in INVISIBLE:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())


class ChatLog:
    def __init__(self, now: int) -> None:
        self.history: deque[Chat] = deque(maxlen=HISTORY)
        self._members = Buckets(MEMBER_RATE, MEMBER_BURST, MEMBERS)
        self._room = Bucket(ROOM_RATE, ROOM_BURST, now)
        self._keys: OrderedDict[tuple[str, str], None] = OrderedDict()

    def say(self, person: Person, said: Say, now: int, number: int) -> list[Action]:
        """`number` makes the message's id, unique in the lecture. A key said before is silently the same message.
        Raises `UserError` (chat-empty, chat-too-fast, chat-busy)."""
        if said.key is not None and (person.member, said.key) in self._keys:
            return []
        text = clean(said.text)
        if not text:
            raise UserError("chat-empty")
        if not self._members.take(person.member, now):
            raise UserError("chat-too-fast")
        if not self._room.take(now):
            raise UserError("chat-busy")
        if said.key is not None:
            self._keys[(person.member, said.key)] = None
            if len(self._keys) > KEYS:
                self._keys.popitem(last=False)
        message = Chat(0, f"c{number}", person.name, person.branch, person.role, text, moment(now), said.key)
        return [Broadcast(message)]

    def keep(self, message: Chat) -> None:
        """A numbered message, for the next snapshots."""
        self.history.append(message)
