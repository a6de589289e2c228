from __future__ import annotations

import json
import logging

import pytest

from classroom.io.logs_structlog import configure, mask
from tests.unit.classroom.hall import hall


async def test_no_ticket_and_no_phone_ever_reaches_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    async with hall() as here:
        ticket = here.ticket("member-1")
    before = logging.getLogger().handlers[:]
    try:
        configure("info")
        log = logging.getLogger("classroom.test")
        log.info("POST /j %s from %s", ticket, "13812345678")
        log.info("fine", extra={"ticket": ticket})
        written = capsys.readouterr().err
    finally:
        logging.getLogger().handlers[:] = before
    assert ticket not in written
    assert "13812345678" not in written
    first = json.loads(written.splitlines()[0])
    assert first["event"] == "POST /j … from 138****5678"
    assert first["level"] == "info"


def test_secrets_by_name_are_hidden() -> None:
    event = mask(None, "info", {"event": "x", "password": "p", "ticket": "t", "number": 7})
    assert event == {"event": "x", "password": "…", "ticket": "…", "number": 7}


def test_ids_and_numbers_stay_readable() -> None:
    text = "lecture u9mtn5gczybs, row 13812345678901, UDP port 52655"
    assert mask(None, "info", {"event": text})["event"] == text
