"""A process for the tests that records facts without end and prints the number of each once it is acknowledged.

python recording.py DATABASE_URL FOLDER BOOT
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from attendance.facts import JoinFailed
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.recorder_asyncio import LedgerRecorder
from attendance.io.store_sqlalchemy import SqlStore

TOGETHER = 8


class Wall:
    def now(self) -> int:
        return time.time_ns() // 1_000

    def at(self, monotonic: float) -> int:
        return self.now()


async def main(url: str, folder: str, boot: str) -> None:
    store = SqlStore(open_engine(url), Wall())
    async with (
        LedgerRecorder(store, Wall(), Path(folder), node="a", boot=boot) as recorder,
        asyncio.TaskGroup() as group,
    ):

        async def record(first: int) -> None:
            number = first
            while True:
                await recorder.record("party", JoinFailed(None, "other", f"{boot}/{number}"))
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()
                number += TOGETHER

        for first in range(1, TOGETHER + 1):
            group.create_task(record(first))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
