"""Order in what is said: who may not write, who was removed, how fast one may write, which words are not said.

Everything is an entry of the journal that was applied, and thereby the trail of who did what to whom and when. Those
who keep order are told all of it, whole; a member is told what concerns them.
"""

from __future__ import annotations

from collections.abc import Mapping

from classroom.errors import UserError
from classroom.people.role import rights
from classroom.room.actions import Action, Broadcast, Keep, Remove, TellMember, TellThose
from classroom.room.inputs import Person
from classroom.room.journal import MemberBarred, MemberMuted, PinSet, RulesSet, WordsSet
from classroom.room.messages_talk import KeptOrder, Muted, Order, Pinned, TalkRules
from classroom.room.words import WordList

LISTED = 500


class Moderation:
    def __init__(self) -> None:
        self.words = WordList()
        self.rules = TalkRules(0, muted=False, slow=0)
        self.pinned = Pinned(0, None, None)
        self._muted: dict[str, KeptOrder] = {}
        self._barred: dict[str, KeptOrder] = {}

    @property
    def barred(self) -> Mapping[str, KeptOrder]:
        """By member."""
        return self._barred

    @property
    def order(self) -> Order:
        return Order(tuple(self._muted.values()), tuple(self._barred.values()), self.words.words)

    def muted(self, member: str) -> bool:
        return member in self._muted

    def listed(self, member: str) -> Person | None:
        """One who may not write, or was removed."""
        kept = self._muted.get(member) or self._barred.get(member)
        return None if kept is None else Person(kept.member, kept.name, kept.branch, "")

    def check_writing(self, person: Person, chat: bool) -> None:
        """While all are muted questions may still be asked. Raises `UserError` (muted, all-muted)."""
        if person.member in self._muted:
            raise UserError("muted")
        if chat and self.rules.muted and not rights(person.role).moderate:
            raise UserError("all-muted")

    def slow(self, person: Person) -> int:
        """Seconds between two lines of this person."""
        return 0 if rights(person.role).moderate else self.rules.slow

    # --- what people do; nothing where it is so already ---

    def mute(self, whom: Person, muted: bool, by: str) -> list[Action]:
        """Raises `UserError` (not-them, order-full)."""
        if muted is (whom.member in self._muted):
            return []
        _check(whom, muted, self._muted)
        entry = MemberMuted(whom.member, whom.name, whom.branch, muted)
        self.apply_muted(entry)
        return [TellMember(whom.member, Muted(muted)), TellThose("oversee", self.order), Keep(entry, by)]

    def bar(self, whom: Person, barred: bool, by: str) -> list[Action]:
        """Raises `UserError` (not-them, order-full)."""
        if barred is (whom.member in self._barred):
            return []
        _check(whom, barred, self._barred)
        entry = MemberBarred(whom.member, whom.name, whom.branch, barred)
        self.apply_barred(entry)
        gone: list[Action] = [Remove(whom.member)] if barred else []
        return [*gone, TellThose("oversee", self.order), Keep(entry, by)]

    def set_rules(self, muted: bool, slow: int, by: str) -> list[Action]:
        if (muted, slow) == (self.rules.muted, self.rules.slow):
            return []
        entry = RulesSet(muted, slow)
        self.apply_rules(entry)
        return [Broadcast(self.rules), Keep(entry, by)]

    def set_words(self, words: tuple[str, ...], by: str) -> list[Action]:
        before = self.words.words
        entry = WordsSet(words)
        self.apply_words(entry)
        if self.words.words == before:
            return []
        return [TellThose("oversee", self.order), Keep(entry, by)]

    def pin(self, text: str | None, person: Person) -> list[Action]:
        """`text` is clean."""
        if text == self.pinned.text:
            return []
        entry = PinSet(text, person.name)
        self.apply_pin(entry)
        return [Broadcast(self.pinned), Keep(entry, person.member)]

    # --- what the journal says; the same in a room that is built anew ---

    def apply_muted(self, entry: MemberMuted) -> None:
        _list(self._muted, KeptOrder(entry.member, entry.name, entry.branch), entry.muted)

    def apply_barred(self, entry: MemberBarred) -> None:
        _list(self._barred, KeptOrder(entry.member, entry.name, entry.branch), entry.barred)

    def apply_rules(self, entry: RulesSet) -> None:
        self.rules = TalkRules(0, entry.muted, entry.slow)

    def apply_words(self, entry: WordsSet) -> None:
        self.words = WordList(entry.words)

    def apply_pin(self, entry: PinSet) -> None:
        self.pinned = Pinned(0, entry.text, None if entry.text is None else entry.name)


def _check(whom: Person, on: bool, listed: Mapping[str, KeptOrder]) -> None:
    if on and rights(whom.role).moderate:
        raise UserError("not-them")
    if on and len(listed) >= LISTED:
        raise UserError("order-full")


def _list(kept: dict[str, KeptOrder], one: KeptOrder, on: bool) -> None:
    if on:
        kept[one.member] = one
    else:
        kept.pop(one.member, None)
