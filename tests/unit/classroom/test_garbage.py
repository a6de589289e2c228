from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from classroom.io.garbage_gc import Uncollected


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    was = gc.isenabled()
    gc.enable()
    yield
    if not was:
        gc.disable()


def test_nothing_is_collected_until_the_last_one_is_done() -> None:
    uncollected = Uncollected()
    with uncollected.while_busy():
        with uncollected.while_busy():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_leaves_it_on() -> None:
    with pytest.raises(ZeroDivisionError), Uncollected().while_busy():
        _ = 1 / 0
    assert gc.isenabled()


def test_who_has_it_off_keeps_it_off() -> None:
    gc.disable()
    with Uncollected().while_busy():
        pass
    assert not gc.isenabled()
