"""What a member of the channel's benchmark notices, and how delays are summed up."""

from __future__ import annotations

import numpy as np

from benchmarks.channel.__main__ import at, quantile
from benchmarks.channel.group import EDGES
from benchmarks.channel.member import MARK, Member


def chat(seq: int, text: str) -> dict[str, object]:
    return {"type": "chat", "seq": seq, "text": text}


def test_lines_are_kept_in_order_with_their_delays() -> None:
    member = Member("ws://127.0.0.1/ws", "ticket")
    member._take({"type": "snapshot", "seq": 4}, 0)
    member._take(chat(5, f"{MARK}1 1000000"), 3_000_000)
    member._take(chat(6, "somebody else's"), 3_000_000)
    assert (member.last, member.broken, member.snapshots) == (6, 0, 1)
    assert member.said == [f"{MARK}1 1000000"]
    assert list(member.delays) == [2.0]


def test_a_number_that_is_missing_or_comes_twice_is_noticed() -> None:
    member = Member("ws://127.0.0.1/ws", "ticket")
    member._take({"type": "snapshot", "seq": 4}, 0)
    for seq in (5, 7, 7):
        member._take(chat(seq, "x"), 0)
    assert member.broken == 2


def test_a_resumed_member_goes_on_where_it_was() -> None:
    member = Member("ws://127.0.0.1/ws", "ticket")
    member._take({"type": "snapshot", "seq": 4}, 0)
    member._take({"type": "resumed", "seq": 9}, 0)
    member._take(chat(5, "x"), 0)
    assert (member.broken, member.resumed, member.last) == (0, 1, 5)


def test_quantiles_are_the_upper_edge_of_a_class() -> None:
    counts = np.histogram([0.5] * 98 + [10.5, 200.5], EDGES)[0]
    assert quantile(counts, 0.5) == 1.0
    assert quantile(counts, 0.99) == 11.0
    assert quantile(np.zeros(len(EDGES) - 1), 0.99) == 0.0
    assert at([], 0.5) is None
    assert at([1.0, 2.0, 3.0], 1.0) == 3.0
