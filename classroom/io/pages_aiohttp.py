"""The pages, as built into `classroom/pages`: an address for each, hashed assets kept for ever, nobody else trusted."""

from __future__ import annotations

import importlib.resources
import mimetypes
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from classroom.errors import explained
from signaling.io.problem_aiohttp import problem_response

PAGES = {
    "/": "index.html",
    "/j": "join.html",
    "/room": "room.html",
    "/studio": "studio.html",
    "/console": "console.html",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "classroom",
}
STRAYED = {404: "no-such-page", 405: "no-such-method"}
"""What a request that no handler takes is told."""
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
NOT_BUILT = (
    "<!doctype html><meta charset=utf-8><title>classroom</title>"
    "<p>页面尚未构建，请运行 make setup。<p>The pages are not built yet: run make setup."
)


def built() -> Path:
    """Where the build is; it may not be there in a work tree that was never built."""
    return Path(str(importlib.resources.files("classroom"))) / "pages"


class Pages:
    """Serves what lies in the folder, and nothing that only looks as if it did."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (built() if folder is None else folder).resolve()

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.get(address, self.page) for address in PAGES),
            web.get("/{file:[^/]+\\.(?:svg|png|ico|webmanifest|txt)}", self.file),
            web.get("/assets/{file:.+}", self.asset),
        ]

    async def page(self, request: web.Request) -> web.StreamResponse:
        path = self._find(PAGES[request.path])
        if path is None:
            return web.Response(text=NOT_BUILT, content_type="text/html", status=503)
        return _file(path, ASK_AGAIN)

    async def file(self, request: web.Request) -> web.StreamResponse:
        path = self._find(request.path)
        if path is None:
            raise web.HTTPNotFound
        return _file(path, ASK_AGAIN)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Their names hold a hash of their content."""
        path = self._find(request.path)
        if path is None:
            raise web.HTTPNotFound
        return _file(path, FOR_EVER)

    def _find(self, address: str) -> Path | None:
        """The file of an address. It is looked up each time, so that a new build is served as one."""
        try:
            path = (self._folder / address.lstrip("/")).resolve()
            return path if path.is_relative_to(self._folder) and path.is_file() else None
        except (OSError, ValueError):  # a name that no file can have
            return None


def _file(path: Path, caching: str) -> web.FileResponse:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return web.FileResponse(path, headers={"Cache-Control": caching, "Content-Type": kind})


def _strayed(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    start = built() / PAGES["/"]
    person = "text/html" in request.headers.get("Accept", "")
    if error.status == 404 and person and start.is_file():  # it says how to get in
        return web.FileResponse(start, status=404, headers={"Cache-Control": ASK_AGAIN})
    reason = STRAYED[error.status]
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return problem_response(request, reason, error.status, explained(reason)[1], headers=allow)


@web.middleware
async def protect(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer carries the headers that keep other sites out, and every refusal says what helps."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as error:
        if error.status not in STRAYED:
            error.headers.update({name: value for name, value in HEADERS.items() if name not in error.headers})
            raise
        response = _strayed(request, error)
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response
