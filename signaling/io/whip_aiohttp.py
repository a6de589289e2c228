"""WHIP (RFC 9725): a lecturer, host or guest publishes to a slot."""

from __future__ import annotations

from aiohttp import web

from signaling.io.sessions_aiohttp import SessionHandlers
from signaling.ports import Act, Admission, Relay
from signaling.session.turnstile import Turnstile

BASE = "/whip"


class WhipHandlers(SessionHandlers):
    """`POST /whip/{lecture}/{slot}`; sessions at `/whip/session/{peer}`."""

    def __init__(self, admission: Admission, relay: Relay, turnstile: Turnstile) -> None:
        super().__init__(admission, relay, turnstile, Act.PUBLISH, BASE)

    def routes(self) -> list[web.RouteDef]:
        path = f"{BASE}/{{lecture}}/{{slot}}"
        return [*self.session_routes(), web.post(path, self.post), web.options(path, self.options)]
