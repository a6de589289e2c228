"""A room that says what a test tells it to: the real pages, with a scripted service behind them.

For what a running service shows too rarely or too late to be looked at: every state of a page, at once, without a
socket or a port. What the service itself does is tested with the service.
"""

from __future__ import annotations

import datetime
import json
import mimetypes
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute

from classroom.io.pages_aiohttp import HEADERS, PAGES, built

ORIGIN = "http://localhost:9"
RELAY = (Path(__file__).parent / "scripted_relay.js").read_text()
FOLDER = Path(os.environ.get("CLASSROOM_PAGES_UNDER_TEST") or built())
SLOTS = ("lecturer", "screen", "host", "guest")
NAMES = {
    "lecturer": ("王建国", "市委党校"),
    "screen": ("王建国", "市委党校"),
    "host": ("赵敏", "镇巴县委组织部"),
    "guest": ("李秀兰", "镇巴县 / 泾洋街道流动党员支部"),
}
LECTURER = {"id": "m2", "name": "王建国", "branch": "市委党校", "role": "lecturer"}
HOST = {"id": "m3", "name": "赵敏", "branch": "镇巴县委组织部", "role": "host"}
GUEST = {"id": "m4", "name": "李秀兰", "branch": "镇巴县 / 泾洋街道流动党员支部", "role": "guest"}
ME = {"id": "m1", "name": "张伟", "branch": "镇巴县 / 兴隆镇 / 驻成都流动党员支部", "role": "member"}

CODE = {"code": "271828", "name": "张伟", "digits": "4321"}


def at(seconds: float = 0.0) -> str:
    """So many seconds from now, as the wire writes it."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).isoformat()


class ScriptedRoom:
    """One person's page and what it is told. Messages are dictionaries as docs/protocol.md §3 has them."""

    def __init__(
        self,
        context: BrowserContext,
        state: str = "live",
        starts: float = -1_200.0,
        me: Mapping[str, str] = ME,
    ) -> None:
        self.context = context
        self.me = me
        self.lecture = {
            "id": "scripted",
            "title": "第三讲　流动中的组织生活",
            "state": state,
            "starts": at(starts),
            "ends": at(starts + 5_400),
            "since": at(starts),
        }
        self.slots = {slot: self._slot(slot, "empty") for slot in SLOTS}
        self.heard: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.refused: dict[str, Any] | None = None
        self.answering = True
        self.more: dict[str, Any] = {}
        self.answers: dict[str, Callable[[str], Any]] = {}
        """What else the service answers, by path and in a language: JSON, an SVG as text, None for nothing to say."""
        self._seq = 0
        self._sockets: list[WebSocketRoute] = []
        context.route(f"{ORIGIN}/**", self._serve)
        context.add_init_script(RELAY)

    # --- what the test does ---

    def open(self, address: str = "/j#ticket-of-zhang-wei") -> Page:
        page = self.context.new_page()
        page.set_default_timeout(20_000)
        page.route_web_socket(re.compile(r"/ws$"), self._socket)
        page.goto(f"{ORIGIN}{address}")
        return page

    def tell(self, **message: Any) -> None:
        """To the page; a message of the room's own is numbered by `broadcast`."""
        for socket in self._sockets:
            socket.send(json.dumps(message))

    def broadcast(self, **message: Any) -> None:
        self._seq += 1
        self.tell(seq=self._seq, **message)

    def say(self, name: str, text: str, role: str = "member", branch: str = "镇巴县 / 泾洋街道", **more: Any) -> str:
        identity = f"c{self._seq + 1}"
        line = {"id": identity, "name": name, "branch": branch, "role": role, "text": text, "at": at()}
        self.broadcast(type="chat", **{**line, "key": None, "reply": None, **more})
        return identity

    def show(self, page: Page, slot: str, state: str) -> None:
        """The room says it, and the relay does it."""
        self.slots[slot] = self._slot(slot, state)
        page.evaluate("([slot, on]) => window.__relay.show(slot, on)", [slot, state == "live"])
        self.broadcast(type="slot", **self.slots[slot])

    def move(self, state: str) -> None:
        self.lecture |= {"state": state, "since": at()}
        self.broadcast(type="lecture", state=state, since=at(), cause="command")

    def stage(self, layout: str, on: dict[str, Any] | None = None, following: str | None = None) -> None:
        self.broadcast(type="stage", layout=layout, on=on, next=following)

    def drop(self, code: int = 1012) -> None:
        """Every socket closes; nobody answers until `answering` is set again."""
        self.answering = False
        for socket in self._sockets:
            socket.close(code=code)
        self._sockets.clear()

    # --- what the page sees ---

    @staticmethod
    def _slot(slot: str, state: str) -> dict[str, Any]:
        name, branch = NAMES[slot] if state != "empty" else (None, None)
        video = "vp8" if state == "live" else None
        return {"slot": slot, "state": state, "name": name, "branch": branch, "member": None, "video": video}

    def _snapshot(self) -> dict[str, Any]:
        return {
            "type": "snapshot",
            "seq": self._seq,
            "version": 1,
            "you": {**self.me, "connection": "k1"},
            "lecture": self.lecture,
            "slots": list(self.slots.values()),
            "count": 1043,
            "chat": [],
            "deleted": [],
            "pinned": {"type": "pinned", "seq": 0, "text": None, "by": None},
            "rules": {"type": "talk-rules", "seq": 0, "muted": False, "slow": 0},
            "questions": [],
            "polls": [],
            "stage": {"type": "stage", "seq": 0, "layout": "lecturer", "on": None, "next": None},
            "whip": "/whip/scripted/",
            "whep": "/whep/scripted",
            "now": at(),
            **self.more,
        }

    def _socket(self, socket: WebSocketRoute) -> None:
        def heard(text: str | bytes) -> None:
            message = json.loads(text)
            self.heard.append(message)
            if message["type"] == "hello":
                self._sockets.append(socket)
                socket.send(json.dumps(self._snapshot()))

        if not self.answering:
            socket.close(code=1012)
            return
        socket.on_message(heard)

    def _serve(self, route: Route) -> None:
        address = urlsplit(route.request.url).path
        if address == "/api/join":
            self._join(route)
            return
        if address == "/api/join/code":
            self._join_by_code(route)
            return
        if address == "/api/join/trouble":
            self.told.append(json.loads(route.request.post_data or "{}"))
            route.fulfill(status=204)
            return
        if address in self.answers:
            _answer(route, self.answers[address])
            return
        path = FOLDER / PAGES.get(address, address.lstrip("/"))
        if not path.is_file():
            route.fulfill(status=404, body="")
            return
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        route.fulfill(status=200, headers={**HEADERS, "Content-Type": kind}, body=path.read_bytes())

    def _join_by_code(self, route: Route) -> None:
        said = json.loads(route.request.post_data or "{}")
        if said != CODE:
            route.fulfill(status=403, content_type="application/problem+json", body='{"type": "code-unknown"}')
            return
        route.fulfill(json={"ticket": "ticket-of-zhang-wei"})

    def _join(self, route: Route) -> None:
        if self.refused is not None:
            status = self.refused["status"]
            route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(self.refused))
            return
        member = {name: self.me[name] for name in ("id", "name", "branch")}
        route.fulfill(
            json={
                "lecture": self.lecture,
                "member": member,
                "role": self.me["role"],
                "page": "/room" if self.me["role"] == "member" else "/studio",
                "kept_days": 0,
            }
        )


def _answer(route: Route, said: Callable[[str], Any]) -> None:
    body = said(route.request.headers.get("accept-language", "zh")[:2])
    if body is None:
        route.fulfill(status=204)
    elif isinstance(body, str):
        route.fulfill(content_type="image/svg+xml", body=body)
    else:
        route.fulfill(json=body)
