"""Thousands of simulated evenings against the truth (tests/sim/test_truth.py): does the ledger ever say too much?

    python -m benchmarks.evenings [--evenings 2000] [--first SEED] [--members 32] [--database URL]

Every seed is printed where it fails, and plays the same evening again with `--first SEED --evenings 1`. `--database`:
SQLAlchemy's address of a PostgreSQL, whose tables are dropped before each evening; SQLite in memory where none is
given.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import traceback
from collections.abc import Sequence

from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.tables_sqlalchemy import metadata


async def empty(database: str) -> None:
    engine = open_engine(database)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
    await engine.dispose()


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evenings", type=int, default=2000)
    parser.add_argument("--first", type=int, default=time.time_ns() // 1_000_000_000)
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--database", help="SQLAlchemy's address of a PostgreSQL for this alone")
    given = parser.parse_args(words)
    os.environ["CLASSROOM_SIMULATED_MEMBERS"] = str(given.members)  # read when the module is loaded
    from tests.sim.simulated_service import MEMORY
    from tests.sim.test_truth import agrees

    failed: list[int] = []
    for seed in range(given.first, given.first + given.evenings):
        if given.database is not None:
            asyncio.run(empty(given.database))
        try:
            agrees(seed, given.database or MEMORY)
        except AssertionError:
            failed.append(seed)
            print(f"--- seed {seed} ---", traceback.format_exc(), sep="\n", flush=True)
        if (seed - given.first) % 50 == 49:
            print(f"{seed - given.first + 1} evenings, {len(failed)} failed", flush=True)
    print(f"{given.evenings} evenings from seed {given.first}: {len(failed)} failed {failed or ''}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
