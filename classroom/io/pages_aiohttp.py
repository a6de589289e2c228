"""The pages, as built into `classroom/pages`: an address for each, hashed assets kept for ever, nobody else trusted.

A thousand phones that open their links together ask for the same few files, so these are kept in memory, compressed
once: a quarter of the time and a third of the bytes of sending them from the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import importlib.resources
import mimetypes
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from classroom.errors import explained
from signaling.io.problem_aiohttp import problem_response

PAGES = {
    "/": "index.html",
    "/j": "join.html",
    "/room": "room.html",
    "/studio": "studio.html",
    "/console": "console.html",
    "/site": "site.html",
    "/s": "scan.html",
}


_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' blob:",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


def policy(media: Iterable[str] = (), here: str | None = None) -> str:
    """Content-Security-Policy. `media`: where else than here pages send their media, as origins; `here`: the service's
    own address, whose channel older browsers do not take for 'self'."""
    channel = [] if here is None else ["ws" + here.removeprefix("http").rstrip("/")]
    return "; ".join((*_POLICY, " ".join(("connect-src 'self'", *channel, *media))))


HEADERS = {
    "Content-Security-Policy": policy(),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "classroom",
}
STRAYED = {404: "no-such-page", 405: "no-such-method"}
"""What a request that no handler takes is told."""
INVITATION = "/j"
NAME, INVITED = "云课堂".encode(), "云课堂 · 您的课堂邀请".encode()
"""As web/join.html has them."""
CARDS = 200
"""Pages with a lecture's title that are kept."""
LONGEST_ID = 64
PICTURE = "/share.png"
"""What a messenger shows beside a link, as the pages name it."""
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
NOT_BUILT = (
    "<!doctype html><meta charset=utf-8><title>classroom</title>"
    "<p>页面尚未构建，请运行 make setup。<p>The pages are not built yet: run make setup."
)


def built() -> Path:
    """Where the build is; it may not be there in a work tree that was never built."""
    return Path(str(importlib.resources.files("classroom"))) / "pages"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in memory. `packed` is empty where compression gains nothing; `version` tells whether the file is still
    the one that was read."""

    path: Path
    body: bytes
    packed: bytes
    content_type: str
    etag: str
    version: tuple[int, int]


Titles = Callable[[str], Awaitable[str | None]]


class Pages:
    """Serves what lies in the folder, and nothing that only looks as if it did."""

    def __init__(
        self, folder: Path | None = None, public_url: str | None = None, title_of: Titles | None = None
    ) -> None:
        """`public_url`: how people reach the service; a messenger wants its picture by the whole address. `title_of` a
        lecture, for what a messenger shows of a link to it."""
        self._folder = (built() if folder is None else folder).resolve()
        self._card = f'content="{html.escape(public_url)}{PICTURE}"'.encode() if public_url else None
        self._title_of = title_of
        self._kept: dict[str, Kept] = {}
        self._cards: dict[tuple[str, str], Kept] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.get(address, self.page) for address in PAGES),
            web.get("/{file:[^/]+\\.(?:svg|png|ico|webmanifest|txt)}", self.file),
            web.get("/assets/{file:.+}", self.asset),
        ]

    async def page(self, request: web.Request) -> web.StreamResponse:
        found = self._find(f"/{PAGES[request.path]}")
        if found is None:
            return web.Response(text=NOT_BUILT, content_type="text/html", status=503)
        lecture = request.query.get("l", "")
        if request.path == INVITATION and self._title_of is not None and 0 < len(lecture) <= LONGEST_ID:
            title = await self._title_of(lecture)
            if title is not None:
                found = self._carded(found, title)
        return _answer(request, found, ASK_AGAIN)

    def _carded(self, page: Kept, title: str) -> Kept:
        """With the lecture's title in place of the product's name."""
        key = (page.etag, title)
        carded = self._cards.get(key)
        if carded is None:
            named = html.escape(title).encode()
            body = page.body.replace(b"<title>" + NAME, b"<title>" + named + b" \xc2\xb7 " + NAME, 1)
            body = body.replace(b'content="' + INVITED + b'"', b'content="' + named + b'"', 1)
            if len(self._cards) >= CARDS:
                self._cards.clear()
            carded = self._cards[key] = _kept(page.path, page.version, body)
        return carded

    async def file(self, request: web.Request) -> web.StreamResponse:
        return self._file(request, ASK_AGAIN)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Their names hold a hash of their content."""
        return self._file(request, FOR_EVER)

    def _file(self, request: web.Request, caching: str) -> web.StreamResponse:
        found = self._find(request.path)
        if found is None:
            raise web.HTTPNotFound
        return _answer(request, found, caching)

    def _find(self, address: str) -> Kept | None:
        """What is kept of an address, read anew where the file is another one: a new build is served as one. Only
        files of the folder are kept, so there are never more than it holds."""
        kept = self._kept.get(address)
        try:
            if kept is not None and _version(kept.path) == kept.version:
                return kept
            kept = self._read(address)
        except (OSError, ValueError):  # a name that no file can have, or a file that is being replaced
            kept = None
        if kept is None:
            self._kept.pop(address, None)
        elif str(kept.path) == f"{self._folder}{address}":  # its other spellings are without number
            self._kept[address] = kept
        return kept

    def _read(self, address: str) -> Kept | None:
        path = (self._folder / address.lstrip("/")).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        version, body = _version(path), path.read_bytes()
        if self._card is not None and path.suffix == ".html":
            body = body.replace(f'content="{PICTURE}"'.encode(), self._card)
        return _kept(path, version, body)


def _version(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _kept(path: Path, version: tuple[int, int], body: bytes) -> Kept:
    packed = gzip.compress(body, mtime=0)
    return Kept(
        path=path,
        body=body,
        packed=packed if len(packed) < len(body) else b"",
        content_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        etag=hashlib.sha256(body).hexdigest()[:32],
        version=version,
    )


def _answer(request: web.Request, kept: Kept, caching: str) -> web.Response:
    packed = bool(kept.packed) and "gzip" in request.headers.get("Accept-Encoding", "")
    etag = f"{kept.etag}-gzip" if packed else kept.etag
    headers = {"Cache-Control": caching, "ETag": f'"{etag}"', "Vary": "Accept-Encoding"}
    if any(known.value == etag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = kept.content_type
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=kept.packed if packed else kept.body, headers=headers)


def _strayed(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    start = built() / PAGES["/"]
    person = "text/html" in request.headers.get("Accept", "")
    if error.status == 404 and person and start.is_file():  # it says how to get in
        return web.FileResponse(start, status=404, headers={"Cache-Control": ASK_AGAIN})
    reason = STRAYED[error.status]
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return problem_response(request, reason, error.status, explained(reason)[1], headers=allow)


def protection(headers: Mapping[str, str] = HEADERS) -> Middleware:
    """Every answer carries the headers that keep other sites out, and every refusal says what helps."""

    @web.middleware
    async def protect(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPException as error:
            if error.status not in STRAYED:
                error.headers.update({name: value for name, value in headers.items() if name not in error.headers})
                raise
            response = _strayed(request, error)
        if not response.prepared:
            for name, value in headers.items():
                response.headers.setdefault(name, value)
        return response

    return protect


protect = protection()
