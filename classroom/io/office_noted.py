"""The office of a command that opens the stores itself: what the audit must know is noted here, as the service's own
middleware notes it (`audit_aiohttp`)."""

from __future__ import annotations

import getpass
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple, cast

from classroom.io.audit_sqlalchemy import Audit
from classroom.ports import Office


class Noted(NamedTuple):
    """An `Office` method's arguments, by their place: the lecture, the member, and what else is worth knowing."""

    action: str
    lecture: int | None = None
    subject: int | None = None
    detail: int | None = None


NOTED: Final = {
    "export": Noted("attendance-exported", lecture=0, detail=1),
    "year": Noted("year-exported", detail=0),
    "links": Noted("links-exported", lecture=0),
    "renew_link": Noted("link-renewed", lecture=0, subject=1),
    "import_roster": Noted("roster-imported", lecture=2, detail=0),
    "start": Noted("lecture-started", lecture=0),
    "end": Noted("lecture-ended", lecture=0),
    "create_staff": Noted("staff-created", detail=0),
    "create_token": Noted("token-created", detail=0),
    "revoke_token": Noted("token-revoked", detail=0),
}


def noting(office: Office, audit: Audit, user: str) -> Office:
    """The same office, whose deeds are noted once they are done."""
    return cast("Office", _NotedOffice(office, audit, user))


class _NotedOffice:
    def __init__(self, office: Office, audit: Audit, user: str) -> None:
        self._office = office
        self._audit = audit
        self._user = user

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._office, name)
        noted = NOTED.get(name)
        return method if noted is None else partial(self._do, method, noted)

    async def _do(self, method: Callable[..., Awaitable[Any]], noted: Noted, *words: Any, **more: Any) -> Any:
        answer = await method(*words, **more)
        told = [None if place is None or place >= len(words) else words[place] for place in noted[1:]]
        lecture, subject, detail = told
        await self._audit.note("", self._user, (), noted.action, lecture, subject, str(detail or ""))
        return answer


def os_user() -> str:
    """Who runs this process, as the system names them."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return str(os.getuid())
