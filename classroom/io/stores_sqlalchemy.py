"""Everything that a data folder and its database hold, opened together: for the service, and for commands where none
runs."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.io.engine_sqlalchemy import open_engine
from attendance.io.heads_file import FileNotary, HeadsFile, load_key
from attendance.io.phone_cryptography import PhoneVault
from attendance.io.recorder_asyncio import LedgerRecorder
from attendance.io.roster_sqlalchemy import Roster
from attendance.io.sheet_calamine import read as read_sheets
from attendance.io.store_sqlalchemy import SqlStore
from attendance.ports import Clock
from classroom.errors import SettingsError
from classroom.io.aside_executor import ExecutorAside
from classroom.io.invitations_asyncio import GatheredInvitations
from classroom.io.keys_file import Keys, node_name, open_keys
from classroom.io.migrate_alembic import upgrade
from classroom.io.password_argon2 import Argon2Passwords
from classroom.io.reports_attendance import LedgerReports
from classroom.io.store_sqlalchemy import Lectures, StaffStore
from classroom.office import StoreOffice
from classroom.people.invitations import Door
from classroom.people.ticket import TicketSigner
from classroom.ports import LectureDesk
from classroom.settings import Settings

THREADS = 2
JOBS = 16
ID_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
ID_LENGTH = 12
"""59 bits, and nothing in it that is read wrongly from paper."""


@dataclass(frozen=True)
class Stores:
    engine: AsyncEngine
    keys: Keys
    ledger: SqlStore
    notary: FileNotary
    recorder: LedgerRecorder
    lectures: Lectures
    roster: Roster
    staff: StaffStore
    passwords: Argon2Passwords
    door: Door
    aside: ExecutorAside
    clock: Clock

    def office(self, desk: LectureDesk, base_url: str) -> StoreOffice:
        """`desk` moves lectures; `base_url` is how people reach the service."""
        return StoreOffice(
            lectures=self.lectures,
            roster=self.roster,
            staff=self.staff,
            passwords=self.passwords,
            reports=LedgerReports(self.ledger, self.notary, self.aside),
            desk=desk,
            door=self.door,
            aside=self.aside,
            read_sheets=read_sheets,
            clock=self.clock,
            new_id=new_id,
            base_url=base_url,
        )


@contextlib.asynccontextmanager
async def open_stores(settings: Settings, clock: Clock) -> AsyncIterator[Stores]:
    """Makes what is missing (keys, database, tables) and starts the recorder. Hold `data_lock` meanwhile.

    Raises `SettingsError` where folder or database cannot be used.
    """
    folder = settings.data_dir
    keys = open_keys(folder / "keys")
    try:
        signing = load_key(folder / "keys" / "ledger.pem")
        spool = folder / "spool"
        spool.mkdir(mode=0o700, exist_ok=True)
        engine = open_engine(settings.database)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the data folder {folder} cannot be used: {error}") from error
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        try:
            await upgrade(engine)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise SettingsError(f"the database cannot be used: {error}") from error
        ledger = SqlStore(engine, clock)
        notary = FileNotary(ledger, HeadsFile(folder / "heads.jsonl"), signing, clock)
        executor = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="aside"))
        roster = Roster(engine, PhoneVault(keys.phones, keys.phone_hashes), clock, new_id, executor)
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        recorder = LedgerRecorder(
            ledger, clock, spool, node=node_name(folder), boot=secrets.token_hex(8), notary=notary
        )  # fmt: skip
        await stack.enter_async_context(recorder)
        yield Stores(
            engine=engine,
            keys=keys,
            ledger=ledger,
            notary=notary,
            recorder=recorder,
            lectures=Lectures(engine),
            roster=roster,
            staff=StaffStore(engine),
            passwords=passwords,
            door=Door(TicketSigner(keys.tickets), GatheredInvitations(roster)),
            aside=ExecutorAside(executor, JOBS),
            clock=clock,
        )


def new_id() -> str:
    """An opaque id that begins like no option of a command line."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


def base_url(settings: Settings, port: int | None = None) -> str:
    """How people reach the service: as configured, else by its own address and `port` (the configured one if None)."""
    if settings.public_url is not None:
        return settings.public_url
    host = settings.http_host
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.is_unspecified:
            host = settings.advertise[0] if settings.advertise else "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"{settings.scheme}://{host}:{settings.http_port if port is None else port}"
