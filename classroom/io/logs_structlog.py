"""Logs as JSON lines on the standard error output, of our modules and of libraries alike; without tickets or phones."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog

SECRET_KEYS = frozenset({"ticket", "password", "phone", "authorization", "cookie", "token"})
HIDDEN = "…"
PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
TICKET = re.compile(r"[A-Za-z0-9_.-]{24,}\.[A-Za-z0-9_-]{20,}")


def mask(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Takes out what must never be in a log, wherever it came from."""
    for key, value in event.items():
        if key in SECRET_KEYS:
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = TICKET.sub(HIDDEN, PHONE.sub(r"\1****\2", value))
    return event


def configure(level: str) -> None:
    """For the whole process; `level` is debug, info, warning or error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("aiosqlite", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
