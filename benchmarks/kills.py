"""SIGKILL at random points while facts are recorded: is an acknowledged one missing, one there twice, the chain broken?

    python -m benchmarks.kills [--kills 200] [--seed SEED]

On SQLite, and on a PostgreSQL of its own. The seed is printed; nothing is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.tables_sqlalchemy import facts, heads, metadata
from tests.servers import postgres
from tests.servers.killing import kill


async def killed(url: str, folder: Path, kills: int, seed: int) -> int:
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all, tables=[facts, heads])
    await engine.dispose()
    return await kill(url, folder, kills, seed)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1_000_000_000)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, postgres.server() as server:
        for name, folder, url in (
            ("SQLite", Path(one), f"sqlite:///{one}/facts.sqlite3"),
            ("PostgreSQL", Path(two), server.url(server.create())),
        ):
            stored = asyncio.run(killed(url, folder, given.kills, given.seed))
            print(f"{name}, seed {given.seed}: {given.kills} kills, {stored} facts, each once, in one unbroken chain")


if __name__ == "__main__":
    main()
