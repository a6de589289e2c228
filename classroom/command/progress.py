"""Progress on long work: shown on standard error, and only where that is a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """A moving sign while the block runs, for work whose length nobody knows beforehand."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


@contextlib.contextmanager
def filling(what: str, seconds: float) -> Iterator[Callable[[float], None]]:
    """A bar that is full after `seconds`, and begins again in a loop; the block calls what it is given with the
    seconds done so far."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[clock]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=seconds, clock="")

        def show(done: float) -> None:
            here = done % seconds if done > seconds else done
            progress.update(task, completed=here, clock=f"{minutes(here)} / {minutes(seconds)}")

        yield show


def minutes(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    clock = f"{rest // 60}:{rest % 60:02}"
    return f"{hours}:{clock:0>5}" if hours else clock
