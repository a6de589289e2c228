"""Is a database whole: its files and references, and every lecture's ledger against the signed heads."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance import audit
from attendance.errors import AttendanceError, LedgerBroken
from attendance.io.engine_sqlalchemy import READ_ONLY, available
from attendance.io.heads_file import FileNotary, HeadsFile, load_key
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.tables_sqlalchemy import heads
from classroom.io import copy_sqlalchemy
from classroom.io.clock_time import SystemClock
from classroom.io.migrate_alembic import HEAD, revision_of


class Found(msgspec.Struct, frozen=True):
    """`rows` by table; `wrong`: a sentence for each thing that is."""

    rows: dict[str, int]
    ledgers: int
    wrong: tuple[str, ...]


async def check(engine: AsyncEngine, folder: Path, keys: Path) -> Found:
    """`folder` is the data folder, with the heads; `keys` the folder of the key that signs them. Changes nothing.

    Raises `StoreUnavailable`."""
    with available():
        async with engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            revision = await revision_of(connection)
    if revision != HEAD:
        return Found({}, 0, (f"the tables are at revision {revision}, not {HEAD}: run `classroom db migrate`",))
    wrong = await copy_sqlalchemy.intact(engine)
    lectures = await _lectures(engine)
    clock = SystemClock()
    ledger = SqlStore(engine, clock)
    notary = None
    if (keys / "ledger.pem").is_file():
        notary = FileNotary(ledger, HeadsFile(folder / "heads.jsonl"), load_key(keys / "ledger.pem"), clock)
    else:
        wrong.append(f"{keys}: the key that signs heads is missing, so they are not checked")
    for lecture in lectures:
        try:
            await audit.audit(ledger, notary, lecture)
        except LedgerBroken as error:
            wrong.append(f"lecture {lecture}: row {error.row}: {error.reason}")
        except AttendanceError as error:
            wrong.append(f"lecture {lecture}: {error}")
    return Found(await copy_sqlalchemy.count(engine), len(lectures), tuple(wrong))


async def _lectures(engine: AsyncEngine) -> list[str]:
    with available():
        async with engine.connect() as connection:
            await connection.execution_options(**READ_ONLY)
            return list((await connection.execute(select(heads.c.lecture).order_by(heads.c.lecture))).scalars())
