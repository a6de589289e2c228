"""Polls: a question with options, one vote a member, results that everybody sees grow.

A thousand votes come within seconds: each changes two numbers, and results are told once a second, and at the end. A
poll is made of entries of the journal (`PollOpened`, `VoteCast`, `PollEnded`) that were applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from classroom.errors import UserError
from classroom.room.actions import Action, Broadcast, Keep, TellMember
from classroom.room.journal import PollEnded, PollOpened, VoteCast
from classroom.room.messages_talk import OpenPoll, Poll, PollChanged, Vote, Voted
from classroom.room.text import cleaned

POLLS = 20
VOTERS = 20_000
TOLD_EVERY = 1_000_000
"""µs between two results of one poll."""


@dataclass(slots=True)
class Held:
    opened: PollOpened
    counts: list[int]
    votes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    open: bool = True
    untold: bool = False
    told_at: int = 0

    @property
    def view(self) -> Poll:
        it = self.opened
        return Poll(it.id, it.question, it.options, it.multiple, self.open, tuple(self.counts), len(self.votes))


class Polls:
    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    @property
    def views(self) -> tuple[Poll, ...]:
        return tuple(held.view for held in self._held.values())

    def votes(self, member: str) -> list[Voted]:
        """One's own, as they stand."""
        cast = ((poll, held.votes.get(member)) for poll, held in self._held.items())
        return [Voted(poll, choices) for poll, choices in cast if choices is not None]

    # --- what people do ---

    def draft(self, message: OpenPoll) -> PollOpened:
        """Raises `UserError` (polls-full, poll-options, chat-empty)."""
        if len(self._held) >= POLLS:
            raise UserError("polls-full")
        question = cleaned(message.question)
        try:
            options = tuple(cleaned(option) for option in message.options)
        except UserError as error:
            raise UserError("poll-options") from error
        if len(set(options)) < len(options):
            raise UserError("poll-options")
        return PollOpened(f"p{len(self._held) + 1}", question, options, message.multiple)

    def open(self, entry: PollOpened, by: str, now: int) -> list[Action]:
        self.apply_opened(entry)
        held = self._held[entry.id]
        held.told_at = now
        return [Broadcast(PollChanged(0, held.view)), Keep(entry, by)]

    def vote(self, member: str, vote: Vote) -> list[Action]:
        """The last one counts. Raises `UserError` (no-such-poll, poll-closed, bad-vote, too-fast)."""
        held = self._get(vote.poll)
        if not held.open:
            raise UserError("poll-closed")
        choices = tuple(sorted(vote.choices))
        single = len(choices) == 1 or held.opened.multiple
        if not single or len(set(choices)) < len(choices) or choices[-1] >= len(held.counts):
            raise UserError("bad-vote")
        told = TellMember(member, Voted(vote.poll, choices))
        if held.votes.get(member) == choices:
            return [told]
        if len(held.votes) >= VOTERS and member not in held.votes:
            raise UserError("too-fast")
        entry = VoteCast(vote.poll, member, choices)
        self.apply_vote(entry)
        held.untold = True
        return [told, Keep(entry, member)]

    def close(self, poll: str, by: str | None) -> list[Action]:
        """Nothing where it is closed already. Raises `UserError("no-such-poll")`."""
        held = self._get(poll)
        if not held.open:
            return []
        entry = PollEnded(poll)
        self.apply_ended(entry)
        held.untold = False
        return [Broadcast(PollChanged(0, held.view)), Keep(entry, by)]

    def end(self) -> list[Action]:
        """The lecture is over, and with it every poll."""
        return [action for poll in self._held for action in self.close(poll, None)]

    def tick(self, now: int) -> list[Action]:
        actions: list[Action] = []
        for held in self._held.values():
            if held.untold and now - held.told_at >= TOLD_EVERY:
                held.untold, held.told_at = False, now
                actions.append(Broadcast(PollChanged(0, held.view)))
        return actions

    def _get(self, poll: str) -> Held:
        held = self._held.get(poll)
        if held is None:
            raise UserError("no-such-poll")
        return held

    # --- what the journal says; the same in a room that is built anew ---

    def apply_opened(self, entry: PollOpened) -> None:
        self._held[entry.id] = Held(entry, [0] * len(entry.options))

    def apply_vote(self, entry: VoteCast) -> None:
        held = self._held.get(entry.poll)
        if held is None:
            return
        for choice in held.votes.get(entry.member, ()):
            held.counts[choice] -= 1
        held.votes[entry.member] = entry.choices
        for choice in entry.choices:
            held.counts[choice] += 1

    def apply_ended(self, entry: PollEnded) -> None:
        held = self._held.get(entry.id)
        if held is not None:
            held.open = False
