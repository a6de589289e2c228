"""An event loop in virtual time: where nothing is left to do, it is the moment of the next timer at once.

What is real takes no virtual time: while somebody waits within `undisturbed` (for a database, say) the clock stands
still, and functions for another thread run at once. So the same seed always gives the same evening.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Iterator
from typing import Any


class _Selector:
    """Passes virtual time where the real selector would wait for it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or self._loop.busy:
            return self._real.select(timeout if timeout == 0 else None)
        found = self._real.select(0)
        if not found and timeout > 0:
            self._loop.pass_time(timeout)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`now` is its clock, in seconds. An exception that no task took is raised at the end."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.busy = 0
        super().__init__(_Selector(self))  # type: ignore[arg-type]
        self._wrong: list[BaseException] = []
        self.set_exception_handler(self._keep)

    def time(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            future.set_exception(error)
        return future

    async def until(self, moment: float) -> None:
        await asyncio.sleep(moment - self.now)
        if self._wrong:
            raise self._wrong[0]

    def _keep(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._wrong.append(context.get("exception") or RuntimeError(context["message"]))


class Time:
    """A timeline (simulated_link.py) over that loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    @property
    def now(self) -> float:
        return self._loop.now

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._loop.call_at(max(when, self._loop.now), what)

    def after(self, delay: float, what: Callable[[], None]) -> None:
        self._loop.call_at(self._loop.now + delay, what)
