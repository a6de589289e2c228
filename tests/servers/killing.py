"""Recording processes that are killed at random points, and what their ledger must hold afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from attendance.chain import verify
from attendance.facts import JoinFailed
from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.heads_file import HeadsFile, load_key
from attendance.io.store_sqlalchemy import SqlStore
from tests.servers.recording import HEADS, KEY, Wall

PROGRAM = Path(__file__).with_name("recording.py")
LONGEST = 0.4
"""Seconds from its first acknowledged fact within which a process is killed."""


def recording(url: str, folder: Path, boot: str) -> subprocess.Popen[str]:
    """A process that records as fast as it can, and prints the number of each fact once it is acknowledged."""
    return subprocess.Popen([sys.executable, str(PROGRAM), url, str(folder), boot], stdout=subprocess.PIPE, text=True)


def kill_all(url: str, folder: Path, kills: int, chance: Random) -> set[str]:
    """What they acknowledged before each was killed: "boot/number"."""
    acknowledged: set[str] = set()
    command = [sys.executable, str(PROGRAM), url, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for boot in range(kills):
            nursery.stdin.write(f"{boot}\n")
            nursery.stdin.flush()
            child, first = 0, ""
            while not (child and first):
                line = nursery.stdout.readline().strip()
                child, first = (int(line[4:]), first) if line.startswith("pid ") else (child, line)
            acknowledged.add(f"{boot}/{first}")
            time.sleep(chance.uniform(0, LONGEST))
            os.kill(child, signal.SIGKILL)
            while (line := nursery.stdout.readline().strip()) != "gone":
                acknowledged.add(f"{boot}/{line}")
    return acknowledged


async def kill(url: str, folder: Path, kills: int, seed: int) -> int:
    """`kills` processes one after the other; how many facts the ledger holds then. Raises `AssertionError` where an
    acknowledged one is missing or one is there twice, `LedgerBroken` where the chain or a signed head does not hold."""
    acknowledged = await asyncio.to_thread(kill_all, url, folder, kills, Random(seed))
    engine = open_engine(url)
    rows = [row async for row in SqlStore(engine, Wall()).rows("party")]
    await engine.dispose()
    stored = {body.detail for row in rows if isinstance(body := row.fact().body, JoinFailed)}
    assert acknowledged <= stored, f"seed {seed}: {sorted(acknowledged - stored)[:5]} are missing"
    assert len({(row.node, row.boot, row.counter) for row in rows}) == len(rows) == len(stored)
    verify("party", rows, HeadsFile(folder / HEADS).read("party"), load_key(folder / KEY).public_key())
    return len(rows)
