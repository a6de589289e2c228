"""Where the service's parts meet."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from attendance.facts import Leave, LectureState, Rule, Verdict
from attendance.rule import RuleBook

# --- what an organizer does, from the pages or from the command line ------------------------------------------------


class LectureInfo(msgspec.Struct, frozen=True):
    """Times are aware (UTC). `ends` is when it is planned to end; it ends by button or command only. `invited`: members
    within the scope that was asked for."""

    id: str
    title: str
    starts: datetime.datetime | None
    ends: datetime.datetime | None
    state: LectureState
    invited: int


class RefusedRow(msgspec.Struct, frozen=True):
    line: int  # 1-based, as the spreadsheet shows it
    reason: str  # a sentence in the caller's language
    name: str = ""  # whom the row would have been, as far as it says


class ImportResult(msgspec.Struct, frozen=True):
    """`refused` holds the first of them, `refusals` says how many there are; `left`: of those whom the file lacks."""

    added: int
    changed: int
    unchanged: int
    refused: tuple[RefusedRow, ...]
    change: str | None = None
    """What takes the import back; None where it was made by an older service."""
    refusals: int = 0
    left: int = 0


class Difference(msgspec.Struct, frozen=True):
    """`field`: "branch", "phone" (masked), "city", "left" (they had left, and come back), or a heading of the file that
    is none of ours."""

    field: str
    old: str | None
    new: str | None


class PreviewedRow(msgspec.Struct, frozen=True):
    """A row as an import would take it, or (`line` 0) somebody whom the file lacks; `phone` masked."""

    line: int
    name: str
    branch: str
    phone: str | None
    city: str | None
    differs: tuple[Difference, ...] = ()


class RoleTurn(msgspec.Struct, frozen=True):
    """Somebody whose role in the lecture the file changes: the link that they have ends."""

    line: int
    name: str
    was: str
    role: str


class ImportPreview(msgspec.Struct, frozen=True):
    """What an import would do. `kept`: headings of columns that are none of ours, whose cells are kept with each
    person. `notes`: sentences about what is cut, left out, or put below the asker's branch. `missing`: how many are in
    the branches that the file covers and not in it, `lacking` the first of them. `digest` says that this was seen."""

    digest: str
    people: int
    added: int
    changed: int
    unchanged: int
    refused: tuple[RefusedRow, ...]
    new: tuple[PreviewedRow, ...]
    changes: tuple[PreviewedRow, ...]
    kept: tuple[str, ...]
    refusals: int = 0
    same: tuple[PreviewedRow, ...] = ()
    missing: int = 0
    lacking: tuple[PreviewedRow, ...] = ()
    turned: tuple[RoleTurn, ...] = ()
    notes: tuple[str, ...] = ()


class InviteResult(msgspec.Struct, frozen=True):
    """How many were not invited before; `change` takes it back (None: there was nobody)."""

    invited: int
    change: str | None = None


class Person(msgspec.Struct, frozen=True):
    """Of the roster; `phone` masked, `branch` "" for whoever is in none (a lecturer, a guest), `left` when they did.
    `officer`: one of a branch's officers, who owe more hours a year."""

    id: str
    name: str
    branch: str
    phone: str | None
    city: str | None
    extra: dict[str, str]
    left: datetime.datetime | None
    officer: bool


class RosterChange(msgspec.Struct, frozen=True):
    """`what`: "import", "invite", "move", "leave", "return", "rename", "merge" or "officer"; `file`: the file's name,
    "old → new" of a branch, or "officer" or "member". `by`: a name; None: the command line. `names`: of the first of
    its `people`."""

    id: str
    at: datetime.datetime
    by: str | None
    what: str
    file: str
    lecture: str | None
    branch: str
    added: int
    changed: int
    people: int
    names: tuple[str, ...]
    undone: datetime.datetime | None


class UndoResult(msgspec.Struct, frozen=True):
    removed: int
    restored: int


class StaffInfo(msgspec.Struct, frozen=True):
    """`branch` "": an operator, who sees everything."""

    id: str
    name: str
    branch: str
    created: datetime.datetime


class RuleInfo(msgspec.Struct, frozen=True):
    """A version of a lecture's rule, and the `sentence` that says it. `at` and `by` (a name, or a staff id that means
    nobody any more) are None of the default, `by` also of the command line."""

    version: int
    rule: Rule
    sentence: str
    at: datetime.datetime | None
    by: str | None
    why: str


class RuleBookInfo(RuleInfo, frozen=True):
    """What holds, with all versions, the first before all. `frozen`: the one that the lecture began under."""

    frozen: int | None = None
    versions: tuple[RuleInfo, ...] = ()


class Link(msgspec.Struct, frozen=True):
    """A personal link; whoever holds it is that person. `branch` is the path joined with " / "."""

    member: str
    name: str
    branch: str
    role: str
    url: str
    ticket: str


class Verified(msgspec.Struct, frozen=True):
    """The result of checking a lecture's chain: rows and, where bad, the first bad row (1-based) and why."""

    rows: int
    ok: bool
    bad_row: int | None = None
    reason: str | None = None


class SiteInfo(msgspec.Struct, frozen=True):
    """A site where members of `branch` and below watch on one screen. `present`: how many are checked in; `heads`: how
    many its host counted; `receiving`: its screen does. Times are aware (UTC)."""

    id: str
    place: str
    branch: str
    host: str
    host_name: str
    state: Literal["planned", "open", "closed"]
    opened: datetime.datetime | None = None
    closed: datetime.datetime | None = None
    heads: int | None = None
    present: int = 0
    receiving: bool = False


class SitePerson(msgspec.Struct, frozen=True):
    """Who may be checked in, or is since `since`, and how. `digits` tells people of one name apart."""

    id: str
    name: str
    branch: str
    digits: str | None = None
    since: datetime.datetime | None = None
    how: str | None = None


class SiteRoom(msgspec.Struct, frozen=True):
    """A site as its host's page shows it. `code`: the address that the screen's code holds until `code_until`; None
    while it takes nobody."""

    info: SiteInfo
    title: str
    lecture_state: LectureState
    now: datetime.datetime | None
    receiving: bool
    present: list[SitePerson]
    code: str | None
    code_until: datetime.datetime | None


class ExportChecked(msgspec.Struct, frozen=True):
    """Whether an export agrees with the ledger. `row`, `signed_at`, `rule`, `scope` are what the file says of itself.
    `identical`: byte for byte what would be exported again. `against` and `notes` are sentences; it agrees where
    nothing speaks against it."""

    lecture: str
    title: str
    row: int
    signed_at: datetime.datetime | None
    rule: int
    scope: str
    ok: bool
    identical: bool
    against: tuple[str, ...]
    notes: tuple[str, ...]


class TokenInfo(msgspec.Struct, frozen=True):
    """By which a program reads attendance. `staff`: the name of whose it is; `token` itself is told once, where it is
    made."""

    id: str
    name: str
    staff: str
    branch: str
    created: datetime.datetime | None
    expires: datetime.datetime | None
    used: datetime.datetime | None
    token: str | None = None


Language = Literal["zh", "en"]
ExportFormat = Literal["xlsx", "csv", "json", "html"]
"""`html`: a summary to print."""
Encoding = Literal["utf-8", "gb18030"]
"""Of a CSV; the other formats have one of their own."""


class ObjectionInfo(msgspec.Struct, frozen=True):
    """`state`: "open" or "answered"; `by`: a name."""

    id: str
    member: str
    name: str
    branch: str
    at: datetime.datetime
    text: str
    state: str
    answer: str
    answered_at: datetime.datetime | None
    by: str | None


class RecordDesk(Protocol):
    """What the command line decides about members' records. Raises `UserError`."""

    async def give_leave(self, lecture: str, member: str, cause: Leave | None) -> None:
        """None takes it back."""

    async def find(self, lecture: str, member: str, verdict: Verdict, credited_seconds: float | None, why: str) -> None:
        """A correction: what holds instead of what was measured."""

    async def unfind(self, lecture: str, member: str) -> None:
        """What was measured holds again."""

    async def filed(self, lecture: str) -> list[ObjectionInfo]: ...

    async def reply(self, lecture: str, objection: str, answer: str) -> None: ...


class Office(Protocol):
    """Everything an organizer does outside the live channel. Raises `UserError`.

    Implemented over the stores (`office.py`), and as a client of a running service over its Unix socket
    (`io/office_unix.py`), so that the command line works beside a running service and without one.
    `scope` is the branch path of the organizer that asks; () sees everything.
    """

    @property
    def records(self) -> RecordDesk: ...

    async def create_lecture(
        self, title: str, starts: datetime.datetime | None, ends: datetime.datetime | None
    ) -> LectureInfo: ...

    async def lectures(self, scope: tuple[str, ...] = ()) -> list[LectureInfo]: ...

    async def lecture(self, lecture: str, scope: tuple[str, ...] = ()) -> LectureInfo: ...

    async def start(self, lecture: str, by: str | None = None) -> LectureInfo: ...

    async def end(self, lecture: str, by: str | None = None) -> LectureInfo: ...

    async def import_roster(
        self,
        name: str,
        body: bytes,
        lecture: str | None,
        language: Language = "zh",
        scope: tuple[str, ...] = (),
        seen: str | None = None,
        leaving: bool = False,
    ) -> ImportResult:
        """`name` is the file's name (its ending says xlsx or csv); `seen` the digest of the preview that somebody
        agreed to; `leaving`: whom the file lacks leaves."""

    async def preview_roster(
        self, name: str, body: bytes, lecture: str | None, language: Language = "zh", scope: tuple[str, ...] = ()
    ) -> ImportPreview: ...

    async def people(self, scope: tuple[str, ...] = ()) -> list[Person]: ...

    async def roster_changes(self, scope: tuple[str, ...] = ()) -> list[RosterChange]:
        """The last 50, the newest first."""

    async def undo_change(self, change: str, scope: tuple[str, ...] = ()) -> UndoResult: ...

    async def links(self, lecture: str, scope: tuple[str, ...] = ()) -> list[Link]:
        """The lecturer's, the host's and the guests' first, then members by branch and name. Of a branch without those
        who start and end the lecture: its organizer may not."""

    async def renew_link(self, lecture: str, member: str, scope: tuple[str, ...] = ()) -> Link:
        """Revokes the old link of that person and gives a new one."""

    async def export(
        self,
        lecture: str,
        form: ExportFormat,
        scope: tuple[str, ...] = (),
        language: Language = "zh",
        encoding: Encoding = "utf-8",
    ) -> bytes: ...

    async def verify(self, lecture: str) -> Verified: ...

    async def create_site(
        self, lecture: str, place: str, branch: tuple[str, ...], host: str, scope: tuple[str, ...] = ()
    ) -> SiteInfo:
        """A place where members watch together; `host` is the id of the member who answers for it."""

    async def sites(self, lecture: str, scope: tuple[str, ...] = ()) -> list[SiteInfo]: ...

    async def site_link(self, lecture: str, site: str, scope: tuple[str, ...] = ()) -> str:
        """What its host opens."""

    async def year(
        self, year: int, scope: tuple[str, ...] = (), language: Language = "zh", anew: bool = False
    ) -> bytes:  # fmt: skip
        """Everybody's credit hours in a year, as a workbook. `anew`: from the ledgers, whatever is kept of them."""

    async def check_export(
        self, name: str, body: bytes, scope: tuple[str, ...] = (), language: Language = "zh"
    ) -> ExportChecked:
        """`name` is the file's. Of an export that goes beyond `scope` nothing is said."""

    async def create_staff(self, name: str, password: str, branch: tuple[str, ...] = ()) -> None:
        """An organizer of a branch and all below it; () is the city: an operator."""

    async def rule(self, lecture: str, language: Language = "zh") -> RuleBookInfo: ...

    async def set_rule(
        self,
        lecture: str,
        version: int,
        rule: Rule,
        why: str = "",
        language: Language = "zh",
        by: str | None = None,
    ) -> RuleBookInfo:
        """Makes the next version of what is `version` now; `why` is needed once the lecture has begun."""

    async def staff(self) -> list[StaffInfo]:
        """By name."""

    async def change_staff(
        self,
        chosen: str,
        name: str | None = None,
        branch: tuple[str, ...] | None = None,
        password: str | None = None,
        by: str | None = None,
    ) -> StaffInfo:
        """`chosen`: an id, or a name. What is None stays."""

    async def remove_staff(self, chosen: str, by: str | None = None) -> StaffInfo: ...

    async def create_token(self, name: str, staff: str, branch: tuple[str, ...] = (), days: int = 365) -> TokenInfo:
        """`name`: what it is for; `staff`: the name of whose it is; `branch` within theirs, () is all of it."""

    async def tokens(self) -> list[TokenInfo]: ...

    async def revoke_token(self, token: str) -> None:
        """By its id."""


# --- what the office asks of whoever keeps a rule ---------------------------------------------------------------------


class RuleDesk(Protocol):
    async def rules(self, lecture: str) -> RuleBook:
        """Raises `UserError("no-such-lecture")`."""

    async def set_rule(self, lecture: str, version: int, rule: Rule, by: str | None, why: str) -> None:
        """Makes the next version of what is `version` now; returns once it is stored. Raises `UserError`: there is no
        such lecture, it has another version by now, or it has begun and there is no reason."""


# --- what the office asks of whoever runs the lectures ---------------------------------------------------------------


class LectureDesk(Protocol):
    """Moves a lecture by hand, keeps its state in the store's list, and answers the state it is in then: the room
    where the service runs, else the recorder alone. `state` is what the list says now. Raises
    `UserError("lecture-over")` where it cannot be started any more; a second press of a button does no harm."""

    async def start(self, lecture: str, state: LectureState, by: str | None) -> LectureState: ...

    async def end(self, lecture: str, state: LectureState, by: str | None) -> LectureState: ...

    async def witness(self, lecture: str) -> None:
        """Store what is known of everybody up to now, so that a report made next goes as far as it can."""

    async def expel(self, lecture: str, members: frozenset[str]) -> None:
        """End what these members opened with links that hold no more: sockets, publications and players."""

    async def recount(self, lecture: str) -> None:
        """Other people are invited than before: the room counts on them at once."""

    async def renew(self, lecture: str) -> None:
        """What the room has in memory goes, and is read again from the journal, where the lecture is not live."""


class Standing(msgspec.Struct, frozen=True):
    """How one member stands in a lecture that goes on. Times are µs since the epoch; None is not measured."""

    connected: bool = False
    receiving: bool = False
    first_join: int | None = None
    credited: int | None = None  # µs
    trouble: str | None = None  # the cause told last, while it lasts
    proved: bool = False  # of receiving: by marks that the page echoed, not by reports alone
    leave: str | None = None  # what for (`attendance.facts.Leave`), where they have leave
    qualified: bool | None = None  # meets the rule so far, as looked at a few seconds ago; None: not judged
    together: bool = False  # checked in at a site; `receiving` is then what its screen does


class RollCall(msgspec.Struct, frozen=True):
    """How everybody stands at one moment. Times in µs since the epoch. `counted`: µs of the lecture that count so far,
    None before it is live; whoever receives all the while is credited this less what they missed before. `members`: by
    id; whoever is absent from it was never there."""

    started: int | None = None
    counted: int | None = None
    members: dict[str, Standing] = {}


class LivePresence(Protocol):
    """Who is there now, as the room knows it."""

    async def roll(self, lecture: str) -> RollCall: ...


# --- what joins nodes ------------------------------------------------------------------------------------------------


class Delivery(msgspec.Struct, frozen=True):
    """`position` is what `Bus.follow` goes on after."""

    position: str
    body: bytes


class Lease(msgspec.Struct, frozen=True):
    """One holder at a time: whoever's `value` is kept under `key`."""

    key: str
    value: bytes


class Bus(Protocol):
    """Topics that keep their last entries, and leases, for all nodes. Every method raises `BusAway` where the bus does
    not answer; whether it did what was asked is then not known."""

    @property
    def alone(self) -> bool:
        """No other node can be on it: nothing needs to be told to anybody."""

    async def publish(self, topic: str, body: bytes, keep: int, lease: Lease | None = None) -> None:
        """Add to the topic's end; of what is older about `keep` entries stay. Given a lease, only while it is held:
        raises `LeaseLost`."""

    def follow(self, topic: str, after: str = "") -> AsyncIterator[Delivery]:
        """What lies beyond `after` ("": everything kept), in order, then what comes, without end. A topic that was
        forgotten meanwhile is read from its beginning."""

    async def kept(self, topic: str) -> list[bytes]:
        """What the topic holds now, in order."""

    async def take(self, lease: Lease, lasts: float) -> bool:
        """For `lasts` seconds, where nobody holds it, or renewed where its value is already there."""

    async def release(self, lease: Lease) -> None:
        """Only one's own."""

    async def holder(self, key: str) -> bytes | None:
        """The value of the lease that holds now."""
