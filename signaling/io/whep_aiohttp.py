"""WHEP (draft-ietf-wish-whep): a member watches a lecture."""

from __future__ import annotations

from aiohttp import web

from signaling.io.sessions_aiohttp import SessionHandlers
from signaling.ports import Act, Admission, Relay
from signaling.session.turnstile import Turnstile

BASE = "/whep"


class WhepHandlers(SessionHandlers):
    """`POST /whep/{lecture}`; sessions at `/whep/session/{peer}`."""

    def __init__(self, admission: Admission, relay: Relay, turnstile: Turnstile) -> None:
        super().__init__(admission, relay, turnstile, Act.WATCH, BASE)

    def routes(self) -> list[web.RouteDef]:
        path = f"{BASE}/{{lecture}}"
        return [*self.session_routes(), web.post(path, self.post), web.options(path, self.options)]
