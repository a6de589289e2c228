"""Microseconds since the epoch, in which we reckon, and aware times, which we show."""

from __future__ import annotations

import datetime
from typing import overload

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def micros(time: datetime.datetime | None) -> int | None:
    """Aware → µs since the epoch."""
    return None if time is None else (time - EPOCH) // datetime.timedelta(microseconds=1)


@overload
def moment(time: int) -> datetime.datetime: ...
@overload
def moment(time: None) -> None: ...
@overload
def moment(time: int | None) -> datetime.datetime | None: ...
def moment(time: int | None) -> datetime.datetime | None:
    """µs since the epoch → aware, UTC."""
    return None if time is None else EPOCH + datetime.timedelta(microseconds=time)
