from __future__ import annotations

from classroom.room.layout import Arrangement
from classroom.room.messages_stage import Layout


def shown(it: Arrangement) -> Layout:
    return it.layout


def test_it_follows_who_is_on() -> None:
    it = Arrangement()
    assert it.follow("wang", screen=False)
    assert shown(it) is Layout.SIDE_BY_SIDE
    assert not it.follow("liu", screen=False)
    assert it.follow(None, screen=False)
    assert shown(it) is Layout.LECTURER


def test_a_screen_is_large_while_only_the_lecturer_is_seen() -> None:
    it = Arrangement()
    assert it.follow(None, screen=True)
    assert shown(it) is Layout.SCREEN
    it.follow("wang", screen=True)
    assert shown(it) is Layout.SIDE_BY_SIDE
    it.follow(None, screen=True)
    assert shown(it) is Layout.SCREEN
    it.follow(None, screen=False)
    assert shown(it) is Layout.LECTURER


def test_a_screen_that_comes_beside_a_guest_changes_nothing_until_they_are_off() -> None:
    it = Arrangement()
    it.follow("wang", screen=False)
    assert not it.follow("wang", screen=True)
    it.choose(Layout.SCREEN)
    assert it.follow("wang", screen=False)
    assert shown(it) is Layout.SIDE_BY_SIDE


def test_what_is_chosen_holds_until_the_stage_changes() -> None:
    it = Arrangement()
    it.follow(None, screen=True)
    assert it.choose(Layout.LECTURER)
    assert not it.choose(Layout.LECTURER)
    assert not it.follow(None, screen=True)
    assert shown(it) is Layout.LECTURER
    it.follow("wang", screen=True)
    it.choose(Layout.GUEST)
    assert not it.follow("wang", screen=True)
    it.follow("liu", screen=True)
    assert shown(it) is Layout.SIDE_BY_SIDE


def test_what_was_chosen_before_a_restart_outlives_the_screens_return() -> None:
    it = Arrangement()
    it.restore(Layout.LECTURER, chosen=True)
    it.restored(None)
    assert not it.follow(None, screen=True, resuming=True)
    assert shown(it) is Layout.LECTURER
    it.restore(Layout.GUEST, chosen=True)
    it.restored("wang")
    assert not it.follow("wang", screen=True)
