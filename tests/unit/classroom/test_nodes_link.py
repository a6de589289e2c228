from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom.nodes import link
from classroom.nodes.link import EdgeEnd, Hole, HomeEnd
from classroom.nodes.wire import (
    Attach,
    Complained,
    Dismissed,
    Inputs,
    Item,
    Parcel,
    Present,
    Spoken,
    Told,
    decode_letter,
    encode,
)
from classroom.room.inputs import Joined, Lagged, Left, LinksReplaced, Person, Received
from classroom.room.messages import Close, Heartbeat, Page
from classroom.room.messages_talk import Say

ME = ("l", "b", "1")


def said(number: int) -> Received:
    return Received("c", Say(str(number)))


def attached(seq: int = 0, heard: int = 0) -> tuple[EdgeEnd, HomeEnd]:
    edge, home = EdgeEnd(seq, heard + 1), HomeEnd("b", "1", heard, 0)
    edge.welcome(7, heard, seq)
    return edge, home


def spoken(after: int, *frames: bytes) -> Spoken:
    return Spoken(after, after + len(frames), frames)


def test_letters_survive_the_way() -> None:
    joined = Joined("c", Person("m", "张伟", "镇巴", "member"), Page.ROOM, "d", 4)
    inputs = (joined, Left("c", 5, "closed"), Lagged("c"), said(1), Received("c", Heartbeat(True, False)))
    for letter in (
        Attach("l", "n", "b", 1, 4, 9, 0, (Present(joined, True),)),
        Inputs("l", "n", "b", 1, 1, (*inputs, LinksReplaced(frozenset({"m"})))),
        Parcel("l", 1, 1, 0, (spoken(0, b"a"), Told("c", (b"x",), True), Complained("c", "r"))),
        Parcel("l", 1, 2, 0, (Dismissed("c", Close.TICKET, "r"),)),
    ):
        assert decode_letter(encode(letter)) == letter


def test_inputs_are_kept_until_they_are_heard() -> None:
    edge, home = attached()
    assert edge.next(*ME) is None
    for number in range(3):
        assert edge.put(said(number))
    inputs = edge.next(*ME)
    assert inputs is not None
    assert list(home.hear(inputs, 5)) == [said(0), said(1), said(2)]
    assert home.seen == 5
    edge.sent(inputs)
    assert edge.next(*ME) is None
    assert len(edge) == 3
    assert home.pack("l", 7) is None, "what came of them may still be lost"
    home.settled = home.heard
    parcel = home.pack("l", 7)
    assert parcel == Parcel("l", 7, 1, 3, ())
    assert edge.open(parcel) == []
    assert len(edge) == 0
    home.sent()
    assert home.pack("l", 7) is None


def test_inputs_that_came_twice_are_heard_once() -> None:
    edge, home = attached()
    edge.put(said(1))
    first = edge.next(*ME)
    edge.put(said(2))
    both = edge.next(*ME)
    assert first is not None
    assert both is not None
    assert list(home.hear(first, 0)) == [said(1)]
    assert list(home.hear(both, 0)) == [said(2)]
    assert list(home.hear(both, 0)) == []


def test_inputs_with_a_hole_before_them_are_not_heard() -> None:
    edge, home = attached()
    edge.put(said(1))
    lost = edge.next(*ME)
    assert lost is not None
    edge.sent(lost)
    edge.put(said(2))
    after = edge.next(*ME)
    assert after is not None
    with pytest.raises(Hole):
        home.hear(after, 0)
    edge.welcome(7, home.heard, 0)
    again = edge.next(*ME)
    assert again is not None
    assert list(home.hear(again, 0)) == [said(1), said(2)]


def test_a_sign_of_life_shows_a_hole_too() -> None:
    edge, home = attached()
    edge.put(said(1))
    lost = edge.next(*ME)
    assert lost is not None
    edge.sent(lost)
    sign = edge.sign(*ME)
    assert sign is not None
    with pytest.raises(Hole):
        home.hear(sign, 0)


def test_an_edge_that_nobody_hears_refuses_more() -> None:
    edge = EdgeEnd(0, 1)
    assert all(edge.put(said(number)) for number in range(link.HELD))
    assert not edge.put(said(0))
    assert edge.next(*ME) is None
    assert edge.sign(*ME) is None


def test_a_parcel_that_came_twice_is_opened_once_and_one_of_another_home_never() -> None:
    edge, home = attached()
    home.put(Complained("c", "r"))
    parcel = home.pack("l", 7)
    assert parcel is not None
    assert home.pack("l", 7) == parcel
    assert edge.open(parcel) == [Complained("c", "r")]
    assert edge.open(parcel) == []
    assert edge.open(Parcel("l", 6, 2, 0, (Complained("c", "stale"),))) == []


def test_a_lost_parcel_is_noticed() -> None:
    edge, home = attached()
    home.put(Complained("c", "r"))
    home.pack("l", 7)
    home.sent()
    home.put(Complained("c", "s"))
    parcel = home.pack("l", 7)
    assert parcel is not None
    with pytest.raises(Hole):
        edge.open(parcel)


def test_frames_known_already_are_cut_off_and_missing_ones_noticed() -> None:
    edge, home = attached(seq=2)
    for item in (spoken(0, b"1", b"2"), spoken(1, b"2", b"3", b"4"), spoken(4, b"5")):
        home.put(item)
    parcel = home.pack("l", 7)
    assert parcel is not None
    assert edge.open(parcel) == [spoken(2, b"3", b"4"), spoken(4, b"5")]
    assert edge.seq == 5
    home.sent()
    home.put(spoken(6, b"7"))
    parcel = home.pack("l", 7)
    assert parcel is not None
    with pytest.raises(Hole):
        edge.open(parcel)
    assert edge.seq == 5


def test_a_home_whose_parcels_are_not_taken_leaves_a_hole() -> None:
    edge, home = attached()
    for _ in range(link.QUEUED + 1):
        home.put(Complained("c", "r"))
    parcel = home.pack("l", 7)
    assert parcel is not None
    with pytest.raises(Hole):
        edge.open(parcel)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000))
def test_over_a_bus_that_loses_and_repeats_everything_is_heard_once_and_in_order(seed: int) -> None:
    """Both ways at once; whoever finds a hole attaches anew, as the shells do."""
    chance = random.Random(seed)
    edge, home = attached()
    ways: dict[str, deque[Inputs | Parcel]] = {"up": deque(), "down": deque()}
    log: list[bytes] = []
    heard: list[Item | object] = []
    seen: list[bytes] = []
    fence = 7
    put = 0

    def attach() -> None:
        nonlocal home, fence
        fence += 1
        home = HomeEnd("b", "1", home.heard, 0, home.settled)
        edge.welcome(fence, home.settled, edge.seq)
        if len(log) > edge.seq:
            home.put(Spoken(edge.seq, len(log), tuple(log[edge.seq :])))

    for step in range(400):
        if step < 250 and chance.random() < 0.3:
            put += edge.put(said(put))
        if step < 250 and chance.random() < 0.3:
            log.append(b"%d" % len(log))
            home.put(spoken(len(log) - 1, log[-1]))
        inputs, parcel = edge.next(*ME), home.pack("l", fence)
        if inputs is not None and chance.random() < 0.5:
            if step > 300 or chance.random() < 0.8:
                ways["up"].extend([inputs] * chance.choice((1, 1, 2)))
            if chance.random() < 0.9:
                edge.sent(inputs)
        if parcel is not None and chance.random() < 0.5:
            if step > 300 or chance.random() < 0.8:
                ways["down"].extend([parcel] * chance.choice((1, 1, 2)))
            if chance.random() < 0.9:
                home.sent()
        try:
            if ways["up"]:
                letter = ways["up"].popleft()
                assert isinstance(letter, Inputs)
                if letter.fence == fence:
                    heard += home.hear(letter, step)
                home.settled = home.heard if chance.random() < 0.5 else home.settled
            elif (sign := edge.sign(*ME)) is not None:
                home.hear(sign, step)
            if ways["down"]:
                box = ways["down"].popleft()
                assert isinstance(box, Parcel)
                for item in edge.open(box):
                    assert isinstance(item, Spoken)
                    seen += item.frames
        except Hole:
            attach()
    attach()
    while (inputs := edge.next(*ME)) is not None:
        heard += home.hear(inputs, 0)
        edge.sent(inputs)
    home.settled = home.heard
    while (parcel := home.pack("l", fence)) is not None:
        for item in edge.open(parcel):
            assert isinstance(item, Spoken)
            seen += item.frames
        home.sent()
    assert heard == [said(number) for number in range(put)]
    assert seen == log
    assert len(edge) == 0
