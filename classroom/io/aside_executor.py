"""Work that takes CPU or blocks, outside the loop, in a pool of threads with a bounded line before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from classroom.errors import UserError

Answer = TypeVar("Answer")


class ExecutorAside:
    """Implements `classroom.office.Aside`. Beyond `limit` jobs, running and waiting, raises `UserError("busy")`."""

    def __init__(self, executor: ThreadPoolExecutor, limit: int) -> None:
        self._executor = executor
        self._limit = limit
        self._jobs = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        if self._jobs >= self._limit:
            raise UserError("busy")
        self._jobs += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._jobs -= 1
