from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from attendance.interval import Span, bridge, clip, gaps, subtract, total, union

LAST = 60
spans = st.lists(st.tuples(st.integers(0, LAST), st.integers(0, LAST)), max_size=12)
sets = spans.map(union)


def instants(of: list[Span] | list[tuple[int, int]]) -> set[int]:
    return {instant for start, end in of for instant in range(start, end)}


def assert_is_a_set(found: list[Span]) -> None:
    assert all(span.start < span.end for span in found)
    assert all(before.end < after.start for before, after in pairwise(found))


@given(spans)
def test_union_holds_every_instant_once(some: list[tuple[int, int]]) -> None:
    found = union(some)
    assert_is_a_set(found)
    assert instants(found) == instants(some)
    assert total(found) == len(instants(some))


@given(spans, spans)
def test_union_of_groups_is_that_of_their_sum(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    assert union(left, right) == union(right + left)


@given(sets, sets)
def test_clip_and_subtract_divide_the_left_set(left: list[Span], right: list[Span]) -> None:
    inside, outside = clip(left, right), subtract(left, right)
    assert_is_a_set(inside)
    assert_is_a_set(outside)
    assert instants(inside) == instants(left) & instants(right)
    assert instants(outside) == instants(left) - instants(right)


@given(sets)
def test_gaps_complete_a_set_to_one_span(some: list[Span]) -> None:
    assert len(union(some, gaps(some))) == min(len(some), 1)


@given(sets, sets, st.integers(1, LAST))
def test_bridges_are_the_short_gaps(some: list[Span], forgiven: list[Span], limit: int) -> None:
    bridged = bridge(some, limit, forgiven)
    for gap in gaps(some):
        assert (gap in bridged) == (len(instants([gap]) - instants(forgiven)) < limit)
    assert set(bridged) <= set(gaps(some))


def test_a_gap_of_exactly_the_limit_stays_open() -> None:
    assert bridge([Span(0, 10), Span(40, 50), Span(79, 90)], 30) == [Span(50, 79)]


def test_nothing_before_the_first_or_after_the_last_is_bridged() -> None:
    assert bridge([Span(10, 20)], 1_000) == []
    assert bridge([], 1_000) == []


def test_touching_spans_are_one() -> None:
    assert union([(0, 10), (10, 20), (30, 30)]) == [Span(0, 20)]
