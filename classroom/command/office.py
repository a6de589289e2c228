"""The way to the office: through the running service where there is one, else on the data folder itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from classroom.ports import Office

Answer = TypeVar("Answer")


def ask(data: Path | None, question: Callable[[Office], Awaitable[Answer]]) -> Answer:
    """Opens the office of a data folder (made when there is none yet), asks, and closes it."""
    from classroom.io.office_unix import open_office
    from classroom.settings import load

    settings = load(data_dir=data)

    async def asking() -> Answer:
        async with open_office(settings) as office:
            return await question(office)

    return asyncio.run(asking())
