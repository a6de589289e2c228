from __future__ import annotations

from itertools import product

import pytest

from classroom.room.messages_stage import Part
from classroom.room.part import LASTS, REASONS, SECOND, TRANSITIONS, Standing, Trigger

P, T = Part, Trigger
OUT = (T.TAKE_OFF, T.LEAVE, T.OVER)

TABLE: dict[Part, dict[Trigger, Part]] = {
    P.OFF: {T.CALL: P.CALLED},
    P.CALLED: {T.ACCEPT: P.CHECKING, T.DECLINE: P.OFF, T.FLOWS: P.BACKSTAGE, T.TIME_OUT: P.OFF},
    P.CHECKING: {T.FLOWS: P.BACKSTAGE, T.DECLINE: P.OFF, T.TIME_OUT: P.OFF},
    P.BACKSTAGE: {T.PUT_ON: P.ON, T.SILENT: P.CHECKING},
    P.ON: {T.SILENT: P.LOST, T.REPLACE: P.OFF, T.DOORS: P.BACKSTAGE},
    P.LOST: {T.FLOWS: P.ON, T.REPLACE: P.OFF, T.TIME_OUT: P.OFF, T.DOORS: P.CHECKING},
}


@pytest.mark.parametrize(("part", "trigger"), list(product(Part, Trigger)))
def test_every_transition_is_the_tables(part: Part, trigger: Trigger) -> None:
    expected = P.OFF if part is not P.OFF and trigger in OUT else TABLE[part].get(trigger)
    assert TRANSITIONS.get((part, trigger)) is expected
    one = Standing("m", "王芳", "镇巴县", part, at=1)
    assert one.move(trigger, 9) is (expected is not None)
    assert (one.part, one.at) == ((part, 1) if expected is None else (expected, 9))


def test_every_way_out_has_a_word_and_nobody_waits_for_ever() -> None:
    for (part, trigger), to in TRANSITIONS.items():
        if to is P.OFF:
            one = Standing("m", "", "", part)
            one.move(trigger, 1)
            assert one.reason == ("lost" if (part, trigger) == (P.LOST, T.TIME_OUT) else REASONS[trigger])
    for part in LASTS:
        assert TRANSITIONS[part, T.TIME_OUT] is P.OFF
    assert set(LASTS) == {P.CALLED, P.CHECKING, P.LOST}


def test_minutes_run_from_coming_on_and_through_a_loss() -> None:
    one = Standing("m", "", "", P.BACKSTAGE, minutes=5)
    one.move(T.PUT_ON, 100 * SECOND)
    assert (one.since, one.until, one.deadline) == (100 * SECOND, 400 * SECOND, None)
    one.move(T.SILENT, 150 * SECOND)
    assert one.deadline == 210 * SECOND
    one.move(T.FLOWS, 160 * SECOND)
    assert (one.since, one.until, one.reconnects) == (100 * SECOND, 400 * SECOND, 1)
    one.extend(2, 200 * SECOND)
    assert one.until == 520 * SECOND
    one.extend(1, 600 * SECOND)
    assert one.until == 660 * SECOND


def test_without_minutes_there_is_no_end_until_somebody_sets_one() -> None:
    one = Standing("m", "", "", P.BACKSTAGE)
    one.move(T.PUT_ON, 100 * SECOND)
    assert one.until is None
    assert one.told().until is None
    one.extend(3, 130 * SECOND)
    assert one.until == 310 * SECOND


def test_the_journal_gives_it_back() -> None:
    one = Standing("m", "王芳", "镇巴县", P.BACKSTAGE, 5, "e1", "家乡", 5, "赵主任", "host")
    one.move(T.PUT_ON, 100 * SECOND)
    one.move(T.SILENT, 150 * SECOND)
    one.move(T.FLOWS, 155 * SECOND)
    again = Standing.restored(one.journaled(), one.at, 200 * SECOND)
    assert again.told() == one.told()
    assert (again.since, again.reconnects, again.entry, again.called_by) == (100 * SECOND, 1, "e1", "host")
    assert again.awaited == 200 * SECOND
