"""Everything that a data folder and its database hold, opened together: for the service, and for commands where none
runs."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from attendance.errors import StoreUnavailable
from attendance.io.engine_sqlalchemy import open_engine, turn
from attendance.io.heads_file import FileNotary, HeadsFile, load_key
from attendance.io.phone_cryptography import PhoneVault
from attendance.io.recorder_asyncio import LedgerRecorder
from attendance.io.roster_sqlalchemy import Roster
from attendance.io.sheet_calamine import read as read_sheets
from attendance.io.sites_sqlalchemy import Sites
from attendance.io.store_sqlalchemy import SqlStore
from attendance.io.year_sqlalchemy import YearStore
from attendance.ports import Clock
from classroom.errors import SettingsError
from classroom.evening import EveningOffice, Rooms
from classroom.io.aside_executor import ExecutorAside
from classroom.io.audit_sqlalchemy import Audit
from classroom.io.invitations_asyncio import GatheredInvitations
from classroom.io.journal_sqlalchemy import Journal
from classroom.io.keys_file import Keys, node_name, open_keys
from classroom.io.migrate_alembic import upgrade
from classroom.io.objections_sqlalchemy import Remarks
from classroom.io.password_argon2 import Argon2Passwords
from classroom.io.privacy_sqlalchemy import JournalKeeper
from classroom.io.records_attendance import LedgerFacts
from classroom.io.reports_attendance import LedgerReports
from classroom.io.store_sqlalchemy import Lectures, StaffStore
from classroom.io.tokens_sqlalchemy import TokenBranches, Tokens
from classroom.io.years_attendance import Years
from classroom.names import Names
from classroom.office import StoreOffice
from classroom.people.invitations import Door
from classroom.people.ticket import TicketSigner
from classroom.personnel import Personnel
from classroom.ports import LectureDesk, RuleDesk
from classroom.records import Facts, OperatorRecords, Records
from classroom.registrar import Registrar
from classroom.rules import RecorderRules, Turn
from classroom.settings import Settings
from classroom.sites import SiteDesk
from signaling.proof import key_of

THREADS = 2
JOBS = 16
ID_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
ID_LENGTH = 12
"""59 bits, and nothing in it that is read wrongly from paper."""


class AdvancingClock(Clock, Protocol):
    def advance(self, floor: int) -> None:
        """Goes on from `floor` (µs since the epoch), if that is later than now."""


@dataclass(frozen=True)
class Stores:
    engine: AsyncEngine
    keys: Keys
    ledger: SqlStore
    notary: FileNotary
    recorder: LedgerRecorder
    journal: Journal
    lectures: Lectures
    roster: Roster
    staff: StaffStore
    tokens: Tokens
    passwords: Argon2Passwords
    door: Door
    audit: Audit
    years: Years
    site_rows: Sites
    remarks: Remarks
    aside: ExecutorAside
    clock: Clock

    def reports(self) -> LedgerReports:
        return LedgerReports(self.ledger, self.notary, self.aside, self.names, self.remarks)

    def registrar(self, desk: LectureDesk) -> Registrar:
        return Registrar(
            lectures=self.lectures,
            roster=self.roster,
            journal=JournalKeeper(self.engine, self.journal),
            sites=self.site_rows,
            desk=desk,
            door=self.door,
            aside=self.aside,
            read_sheets=read_sheets,
        )

    def evening(self, rooms: Rooms) -> EveningOffice:
        return EveningOffice(
            lectures=self.lectures,
            roster=self.roster,
            staff=self.staff,
            rooms=rooms,
            ledger=self.ledger,
            journal=self.journal,
            door=self.door,
            aside=self.aside,
            read_sheets=read_sheets,
            new_id=new_id,
        )

    def secret(self, lecture: str, what: str) -> bytes:
        """As `Witness.secret`."""
        return key_of(key_of(self.keys.proofs, lecture), what)

    def sites(self, base_url: str, facts: Facts | None = None) -> SiteDesk:
        """`facts` None: no service runs."""
        return SiteDesk(
            lectures=self.lectures,
            roster=self.roster,
            rows=self.site_rows,
            facts=facts or LedgerFacts(self.ledger, self.recorder, self.lectures),
            door=self.door,
            clock=self.clock,
            new_id=new_id,
            secret=self.secret,
            base_url=base_url,
        )

    @property
    def turn(self) -> Turn:
        return partial(turn, self.engine)

    @property
    def names(self) -> Names:
        return Names(self.staff, self.roster)

    def records(self, facts: Facts | None = None) -> Records:
        """`facts` None: no service runs."""
        return Records(
            facts=facts or LedgerFacts(self.ledger, self.recorder, self.lectures),
            roster=self.roster,
            names=self.names,
            remarks=self.remarks,
            clock=self.clock,
            new_id=new_id,
        )

    def office(
        self,
        desk: LectureDesk,
        base_url: str,
        records: Records | None = None,
        rules: RuleDesk | None = None,
        reports: LedgerReports | None = None,
        sites: SiteDesk | None = None,
    ) -> StoreOffice:
        """`desk` moves lectures; `base_url` is how people reach the service; `records`, `rules` and `sites` None: no
        service runs."""
        reports = reports or self.reports()
        return StoreOffice(
            lectures=self.lectures,
            roster=self.roster,
            staff=self.staff,
            personnel=Personnel(
                staff=self.staff, passwords=self.passwords, tree=self.roster, clock=self.clock, new_id=new_id
            ),
            reports=reports,
            rules=rules or RecorderRules(self.recorder, self.lectures, reports, self.turn),
            tokens=self.tokens,
            years=self.years,
            sites=sites or self.sites(base_url),
            registrar=self.registrar(desk),
            records=OperatorRecords(records or self.records()),
            desk=desk,
            door=self.door,
            aside=self.aside,
            clock=self.clock,
            new_id=new_id,
            new_secret=secrets.token_urlsafe,
            base_url=base_url,
        )


@contextlib.asynccontextmanager
async def open_stores(settings: Settings, clock: AdvancingClock) -> AsyncIterator[Stores]:
    """Makes what is missing (keys, database, tables) and starts the recorder. Hold `data_lock` meanwhile.

    Raises `SettingsError` where folder or database cannot be used.
    """
    folder = settings.data_dir
    keys = open_keys(settings.keys)
    try:
        signing = load_key(settings.keys / "ledger.pem")
        spool = folder / "spool"
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        await _go_on(clock, ledger)
        notary = FileNotary(ledger, HeadsFile(folder / "heads.jsonl"), signing, clock)
        executor = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="aside"))
        vault = PhoneVault(keys.phones, keys.phone_hashes)
        roster = Roster(engine, vault, clock, new_id, executor, TokenBranches())
        staff = StaffStore(engine)
        passwords = Argon2Passwords()
        stack.callback(passwords.close)
        recorder = LedgerRecorder(
            ledger, clock, spool, node=node_name(folder), boot=secrets.token_hex(8), notary=notary
        )  # fmt: skip
        await stack.enter_async_context(recorder)
        journal = await stack.enter_async_context(Journal(engine))
        lectures, aside = Lectures(engine), ExecutorAside(executor, JOBS)
        yield Stores(
            engine=engine,
            keys=keys,
            ledger=ledger,
            notary=notary,
            recorder=recorder,
            journal=journal,
            lectures=lectures,
            roster=roster,
            staff=staff,
            tokens=Tokens(engine),
            passwords=passwords,
            door=Door(TicketSigner(keys.tickets), GatheredInvitations(roster)),
            audit=Audit(engine, clock),
            site_rows=Sites(engine),
            years=Years(ledger, notary, lectures, roster, staff, YearStore(engine), aside, clock),
            aside=aside,
            remarks=Remarks(engine),
            clock=clock,
        )


async def _go_on(clock: AdvancingClock, ledger: SqlStore) -> None:
    """From where the ledger ends, whatever the machine's clock was set to meanwhile."""
    try:
        latest = await ledger.latest()
    except StoreUnavailable as error:
        raise SettingsError(f"the database cannot be used: {error}") from error
    if latest is not None:
        clock.advance(latest)


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
