"""What the REST handlers share: bodies under a limit, answers in JSON, errors as problems with a sentence."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from attendance.errors import RecorderClosed, StoreUnavailable
from classroom.errors import ProtocolError, UserError, explained
from classroom.ports import Language
from signaling.io.problem_aiohttp import language_of, problem_response

BODY_WITHIN = 60.0
LARGEST_JSON = 16 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = TypeVar("Body")
_log = logging.getLogger(__name__)


def problems(handler: Handler) -> Handler:
    """The handler, whose errors become problems (RFC 9457) in the reader's language."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except UserError as error:
            return _problem(request, error.reason, error.detail)
        except ProtocolError:
            return _problem(request, "malformed")
        except (StoreUnavailable, RecorderClosed, DBAPIError, OSError) as error:
            _log.warning("%s %s: %s", request.method, request.path, type(error).__name__)
            return _problem(request, "database-away")

    return answered


def _problem(request: web.Request, reason: str, detail: str = "") -> web.Response:
    status, sentences = explained(reason)
    headers = {"Retry-After": "30"} if status in (429, 503) else None
    return problem_response(request, reason, status, sentences, detail, headers)


async def read_body(request: web.Request, limit: int) -> bytes:
    """At most `limit` bytes within a minute. Raises `UserError("too-large")`, `ProtocolError`."""
    if (request.content_length or 0) > limit:
        raise UserError("too-large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.content.iter_chunked(64 * 1024):
                body += chunk
                if len(body) > limit:
                    raise UserError("too-large")
    except TimeoutError as error:
        raise ProtocolError("the body did not arrive in time") from error
    return bytes(body)


async def read_json(request: web.Request, kind: type[Body], limit: int = LARGEST_JSON) -> Body:
    """Raises `UserError("too-large")`, `ProtocolError`."""
    body = await read_body(request, limit)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(str(error)) from error


def json_answer(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def file_answer(body: bytes, content_type: str, name: str | None = None) -> web.Response:
    """`name`: to be saved under it; None: to be shown."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if name is not None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return web.Response(body=body, headers={**headers, "Content-Type": content_type})


def language(request: web.Request) -> Language:
    return "en" if language_of(request) == "en" else "zh"
