"""What the log says of requests."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger


class AccessLog(AbstractAccessLogger):
    """One line a request, with the route's pattern in place of the path: sessions' addresses are secrets too."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.DEBUG)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        resource = request.match_info.route.resource if isinstance(request, web.Request) else None
        where = "unknown" if resource is None else resource.canonical
        self.logger.debug("%s %s %d %.0f ms", request.method, where, response.status, time * 1000)
