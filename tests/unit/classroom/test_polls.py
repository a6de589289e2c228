from __future__ import annotations

import pytest

from classroom.errors import UserError
from classroom.room.actions import Broadcast, Keep, TellMember
from classroom.room.journal import PollEnded, VoteCast
from classroom.room.messages_talk import OpenPoll, Poll, PollChanged, Vote, Voted
from classroom.room.polls import POLLS, Polls

SECOND = 1_000_000


def opened(multiple: bool = False, polls: Polls | None = None) -> Polls:
    polls = polls or Polls()
    polls.open(polls.draft(OpenPoll("几点合适？", ("七点", "八点", "九点"), multiple)), "h", 0)
    return polls


def test_a_poll_is_shown_to_everybody_when_it_opens() -> None:
    polls = Polls()
    shown, keep = polls.open(polls.draft(OpenPoll("几点\u202e合适？", ("七点", "八点"))), "h", 0)
    assert shown == Broadcast(PollChanged(0, Poll("p1", "几点合适？", ("七点", "八点"), False, True, (0, 0), 0)))
    assert isinstance(keep, Keep)
    assert keep.by == "h"


def test_a_vote_counts_once_and_the_last_one_counts() -> None:
    polls = opened()
    assert polls.vote("m1", Vote("p1", (0,))) == [
        TellMember("m1", Voted("p1", (0,))),
        Keep(VoteCast("p1", "m1", (0,)), "m1"),
    ]
    polls.vote("m2", Vote("p1", (0,)))
    polls.vote("m1", Vote("p1", (2,)))
    assert polls.vote("m1", Vote("p1", (2,))) == [TellMember("m1", Voted("p1", (2,)))]
    (poll,) = polls.views
    assert (poll.results, poll.voters) == ((1, 0, 1), 2)
    assert polls.votes("m1") == [Voted("p1", (2,))]
    assert polls.votes("m3") == []


def test_several_choices_where_the_poll_says_so() -> None:
    polls = opened(multiple=True)
    polls.vote("m1", Vote("p1", (2, 0)))
    polls.vote("m2", Vote("p1", (0, 1, 2)))
    polls.vote("m2", Vote("p1", (1,)))
    (poll,) = polls.views
    assert (poll.results, poll.voters) == ((1, 1, 1), 2)


@pytest.mark.parametrize(
    ("multiple", "choices"), [(False, (0, 1)), (False, (3,)), (True, (1, 1)), (True, (0, 3)), (False, (0, 0))]
)
def test_a_vote_fits_its_poll(multiple: bool, choices: tuple[int, ...]) -> None:
    polls = opened(multiple)
    with pytest.raises(UserError, match="bad-vote"):
        polls.vote("m1", Vote("p1", choices))
    assert polls.views[0].voters == 0


def test_results_are_told_once_a_second_and_at_the_end() -> None:
    polls = opened()
    told = 0
    for number in range(1_120):
        polls.vote(f"m{number}", Vote("p1", (number % 3,)))
        told += len(polls.tick(number * 3 * SECOND // 1_120))
    assert told == 2
    (result, keep) = polls.close("p1", "h")
    assert result == Broadcast(PollChanged(0, polls.views[0]))
    assert keep == Keep(PollEnded("p1"), "h")
    assert (sum(polls.views[0].results), polls.views[0].voters, polls.views[0].open) == (1_120, 1_120, False)
    assert polls.tick(60 * SECOND) == []
    assert polls.close("p1", "h") == []


def test_a_poll_that_is_closed_or_never_was_takes_no_vote() -> None:
    polls = opened()
    polls.close("p1", "h")
    with pytest.raises(UserError, match="poll-closed"):
        polls.vote("m1", Vote("p1", (0,)))
    with pytest.raises(UserError, match="no-such-poll"):
        polls.vote("m1", Vote("p2", (0,)))
    with pytest.raises(UserError, match="no-such-poll"):
        polls.close("p2", "h")


@pytest.mark.parametrize("options", [("一", "一"), ("一", "\u200b一"), ("一", "\u200b"), (" ", "二")])
def test_options_are_there_and_differ(options: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="poll-options"):
        Polls().draft(OpenPoll("问", options))


def test_there_are_at_most_twenty() -> None:
    polls = Polls()
    for _ in range(POLLS):
        opened(polls=polls)
    with pytest.raises(UserError, match="polls-full"):
        polls.draft(OpenPoll("问", ("一", "二")))
    assert len(polls.end()) == 2 * POLLS
    assert polls.end() == []
