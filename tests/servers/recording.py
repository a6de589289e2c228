"""A process for the tests that records facts without end and prints the number of each once it is acknowledged. Heads
are signed all the while.

    python recording.py DATABASE_URL FOLDER BOOT
    python recording.py DATABASE_URL FOLDER

Without BOOT it reads one a line, and forks a process for each, which costs no start of Python: it prints `pid N`, what
that process prints, and `gone` when it is.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from attendance.facts import JoinFailed
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.heads_file import FileNotary, HeadsFile, load_key
from attendance.io.recorder_asyncio import LedgerRecorder
from attendance.io.store_sqlalchemy import SqlStore

TOGETHER = 8
HEADS, KEY = "heads.jsonl", "ledger.pem"
"""In its folder."""


class Wall:
    def now(self) -> int:
        return time.time_ns() // 1_000

    def at(self, monotonic: float) -> int:
        return self.now()


async def main(url: str, folder: str, boot: str) -> None:
    store, place = SqlStore(open_engine(url), Wall()), Path(folder)
    notary = FileNotary(store, HeadsFile(place / HEADS), load_key(place / KEY), Wall())
    async with (
        LedgerRecorder(store, Wall(), place, node="a", boot=boot, notary=notary, seal_every=0.05) as recorder,
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


def fork(url: str, folder: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(main(url, folder, line.strip()))
        sys.stdout.write(f"pid {child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
        sys.stdout.write("gone\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(main(*sys.argv[1:]))
    else:
        fork(*sys.argv[1:])
